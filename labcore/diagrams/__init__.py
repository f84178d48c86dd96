"""String diagrams, and arrays with named axes: one term, read as a drawing, a program, a cost and a gradient."""
