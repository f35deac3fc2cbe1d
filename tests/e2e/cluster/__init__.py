# SPDX-License-Identifier: Apache-2.0
"""A real Kubernetes on one machine: see cluster.py for the class, and ./cluster for the command."""
