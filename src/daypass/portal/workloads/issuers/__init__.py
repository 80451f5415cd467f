"""The kinds of issuers, with what a rule for each must demand; `table` has all of them."""
