// SPDX-License-Identifier: Apache-2.0
//
// CRIU's log: the line that says why a dump or restore failed, and what people can do about it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace reprise::image {

struct CriuFinding {
  std::string line;  // one line of the log without its time stamp
  std::string hint;  // the remedy; empty for causes that we do not know
};

// Finds the cause in the text of a log: the first error that we know, else the first that is not
// merely the consequence of another. nullopt if the log holds no error. Knows CRIU 4.1 to 4.2; the
// texts are not an interface of CRIU, so with other versions the hint may be missing.
std::optional<CriuFinding> find_cause(std::string_view log);

// The last errors of a log, at most `most`, in their order and without their time stamps: for
// whoever looks into a cause that find_cause() does not know.
std::vector<std::string> last_errors(std::string_view log, std::size_t most);

// Whether a dump failed for a cause that find_cause() does not know, and undid all that it had done
// to the tasks.
bool gave_up_unharmed(std::string_view log);

// A file that a program had open and that a restore could not open again as it was.
struct CriuFileFault {
  std::string file;    // in the container, from its root
  std::string reason;  // "No such file or directory"; empty: it is there, with another size
  std::string size;    // now
  std::string was;
  bool operator==(const CriuFileFault&) const = default;
};

// The first of them in the log of a restore. nullopt if it failed for something else.
std::optional<CriuFileFault> find_file_fault(std::string_view log);

// Whether the log of a dump says that events of inotify or fanotify were unread, which CRIU has no
// image for (criu/fsnotify.c): restored, the program never learns of them.
bool drops_events(std::string_view log);

// Whether a dump failed because of what usually passes in a moment, and what CRIU has no image for
// either: something unread in a netlink socket (criu/sk-netlink.c) or, with its sender's identity,
// in a UNIX socket; a datagram that is being put together; a connection that was closed before it
// was accepted; a thread that was just ending, or being stopped.
bool found_passing_state(std::string_view log);

}  // namespace reprise::image
