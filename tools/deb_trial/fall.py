"""Prints a made fall as `nodkald replay` takes it: a recording for a trial on a machine that has none."""

from agent.simulator import motions

RATE_HZ = 50.0

print("t_s,ax_g,ay_g,az_g")
for t_s, x_g, y_g, z_g in motions.fall_forward(RATE_HZ, seed=1):
    print(f"{t_s:.3f},{x_g:.4f},{y_g:.4f},{z_g:.4f}")
