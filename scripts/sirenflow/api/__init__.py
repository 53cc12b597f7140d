"""The public interface for notebooks and scripts."""
