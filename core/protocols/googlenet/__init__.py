"""The GoogLeNet study: three prunings, three retrainings."""
