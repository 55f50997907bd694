# poolwright: two commands matter, `make demo` and `make test`; `make help` lists the rest.
