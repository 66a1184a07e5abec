"""What people run and the tests do not: benchmarks, pictures, sheets, translations; `make help` says how."""
