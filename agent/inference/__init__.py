"""From motion to an assessment. Nothing on the path of a manual call imports this package."""
