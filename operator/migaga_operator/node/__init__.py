"""Runs pods as processes of this machine, as a kubelet runs them as containers."""
