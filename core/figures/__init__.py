"""Show results and tables as pictures, figures, sentences and downloads."""
