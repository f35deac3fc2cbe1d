// SPDX-License-Identifier: Apache-2.0
//
// What a session has done that its failure takes back, in its run directory. Each step is written
// before it is done; a process that is killed loses nothing of that. A host that goes down does, by
// which what was frozen, mounted and firewalled is gone as well.
#pragma once

#include <optional>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "host/layout.h"
#include "session/undo/step.h"

namespace reprise::session::undo {

// Names a file, and remembers nothing of it: session, guard and recovery have one each, and use it
// one after the other.
class Journal {
 public:
  Journal(const host::Layout& layout, const base::SessionId& session);

  // Blocks for a sync. After an error the step must not be done.
  [[nodiscard]] base::Result<void> write(const Step& step) const;
  // In the order in which they were written. nullopt if there is none: the session is of a version
  // that had none, or has not begun. kCorrupt if it cannot be read as one.
  [[nodiscard]] base::Result<std::optional<std::vector<Step>>> load() const;
  // These, and no others, are still to be taken back; also makes a journal.
  [[nodiscard]] base::Result<void> replace(const std::vector<Step>& steps) const;

 private:
  path file_;
};

}  // namespace reprise::session::undo
