{{- define "migaga.name" -}}
{{- $name := ternary .Release.Name (printf "%s-migaga" .Release.Name) (contains "migaga" .Release.Name) -}}
{{- $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "migaga.selector" -}}
app.kubernetes.io/name: migaga-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "migaga.labels" -}}
{{ include "migaga.selector" . }}
app.kubernetes.io/component: operator
app.kubernetes.io/part-of: migaga
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "migaga.account" -}}
{{- .Values.serviceAccount.name | default (ternary (include "migaga.name" .) "default" .Values.serviceAccount.create) -}}
{{- end -}}

{{- define "migaga.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- /* The namespaces that are watched, as a JSON list; of no use when all are. */ -}}
{{- define "migaga.namespaces" -}}
{{- .Values.watch.namespaces | default (list .Release.Namespace) | toJson -}}
{{- end -}}

{{- define "migaga.rules" -}}
{{ .Files.Get "files/rules.yaml" }}
{{- if .Capabilities.APIVersions.Has "monitoring.coreos.com/v1" }}
{{ .Files.Get "files/rules-monitoring.yaml" }}
{{- end }}
{{- end -}}
