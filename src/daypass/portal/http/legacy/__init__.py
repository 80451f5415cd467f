"""The legacy API: the paths and shapes that duploctl, duplo-jit and their kin know."""
