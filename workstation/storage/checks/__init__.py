"""What verifying a case looks at, one module a subject. Nothing here writes, and everything works on altered cases."""
