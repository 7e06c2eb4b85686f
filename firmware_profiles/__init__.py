"""Firmware profiles: one TOML file for each hardware build. A package only so that the files ship in the wheel."""
