"""The proof by walking: every door of the product, tried by everybody. `make access-matrix` prints what was tried."""
