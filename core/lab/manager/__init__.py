"""The lab's Oracle VM Manager: its CLI on SSH, and what stands behind it."""

from core.lab.manager.server import ManagerServer

__all__ = ["ManagerServer"]
