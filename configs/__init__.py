"""Settings for runs, one small file each; inside an installed package, `jaxpaint.configs`."""
