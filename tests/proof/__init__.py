"""The proof by walking: every door of the product, tried by everybody. `make walk` prints what was tried."""
