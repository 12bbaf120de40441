"""Tables of a trained series over a data set of photographs."""
