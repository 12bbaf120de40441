"""Storage on disk: files of tensors, tables, packed masks, sizes, locks."""
