"""tmp"""
import jax.numpy as jnp
def l1(c,t,*,mask): return sum((jnp.abs(a-b)*mask).sum() for a,b in zip(c,t))
def l2(c,t,*,mask): return sum(((a-b)**2*mask).sum() for a,b in zip(c,t))
