"""What people see of a running process: metrics and health."""
