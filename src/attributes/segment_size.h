// SPDX-License-Identifier: Apache-2.0
//
// The size of the segments of restored TCP connections.
#pragma once

#include <sys/types.h>

#include <filesystem>

namespace reprise::attributes {

// CRIU (4.2, soccr.c) tells the kernel how large segments may be only after that has worked it out:
// each connection goes on with 524 bytes, the least that there is, for good. So the kernel is made
// to work it out again, for every connection of `init`'s tree. What fails is left as it is.
void renew_segment_sizes(const std::filesystem::path& proc, pid_t init);

}  // namespace reprise::attributes
