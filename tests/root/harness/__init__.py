# SPDX-License-Identifier: Apache-2.0
"""What the tests of lane `root` stand on: host, product, containers, and what must be true."""
