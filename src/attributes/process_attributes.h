// SPDX-License-Identifier: Apache-2.0
//
// What threads and processes set on themselves, /proc or a system call tells from outside, and CRIU
// does not restore: I/O priority, timer slack, what a core dump holds …
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace reprise::attributes {

struct ProcessAttribute {
  pid_t id = 0;       // of the thread or process, inside the container, which a restore keeps
  std::string name;   // "io-priority"
  std::string value;  // a number, or as /proc has it
  bool operator==(const ProcessAttribute&) const = default;
};

// Those of `init`'s tree that are not as in a new process. Some files and system calls per thread.
std::vector<ProcessAttribute> read_attributes(const std::filesystem::path& proc, pid_t init);

// What only the task itself can tell: `init`'s tree is asked while it runs, each process stopped
// for a tenth of a millisecond. One that does not stop within a tenth of a second is left out, and
// said so in `doubts`.
struct AskedAttributes {
  std::vector<ProcessAttribute> attributes;
  std::vector<std::string> doubts;
};
AskedAttributes ask_attributes(const std::filesystem::path& proc, pid_t init);

// Gives the tasks of `init`'s tree what they had, as far as that can be set from outside; what they
// have already is left alone. They need not run. Returns a line for each that could not be set:
// "io-priority of thread 7: Operation not permitted".
std::vector<std::string> set_attributes(const std::filesystem::path& proc, pid_t init,
                                        const std::vector<ProcessAttribute>& attributes);

// The same for those that only the task itself can set (speculation control, NUMA policy …): stops
// those threads for a moment, which run by now, and makes them do it (sys/seized_thread.h).
std::vector<std::string> inject_attributes(const std::filesystem::path& proc, pid_t init,
                                           const std::vector<ProcessAttribute>& attributes);

// JSON. Decoding: kCorrupt, also for a name that is none of these.
std::string encode_attributes(const std::vector<ProcessAttribute>& attributes);
base::Result<std::vector<ProcessAttribute>> decode_attributes(std::string_view text);

}  // namespace reprise::attributes
