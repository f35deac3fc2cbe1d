# SPDX-License-Identifier: Apache-2.0
"""What bench/run is made of: the host, the workload, the ways to checkpoint it, the measuring."""
