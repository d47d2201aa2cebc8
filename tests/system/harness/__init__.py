# SPDX-License-Identifier: BSD-2-Clause
"""What a system test needs: real programs, in a network of their own."""
