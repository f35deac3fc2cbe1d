// SPDX-License-Identifier: Apache-2.0
//
// One collection, listed and then watched, so that whoever listens can keep it in memory.
#pragma once

#include <chrono>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/result.h"
#include "kube/client.h"

namespace reprise::kube {

// Called by the watch's thread, one call at a time. A call that takes long delays what follows.
struct Listener {
  virtual ~Listener() = default;
  // All there is: at the beginning, and whenever the server no longer knew what had changed
  // meanwhile. In that case on_remove() has told before what was known and is gone, or is another
  // object (uid) of the same name.
  virtual void on_list(std::vector<nlohmann::json> all) = 0;
  // New, or changed.
  virtual void on_change(nlohmann::json object) = 0;
  // As it was last; if that moment was missed, kind and metadata alone.
  virtual void on_remove(nlohmann::json object) = 0;
  // In step: what was told is what the server has, but for the moment that it takes to come here.
  // Not in step, because of `why`: what was told may be old. Told when it changes; at the
  // beginning it is not in step.
  virtual void on_state(bool in_step, const base::Error* why) = 0;
};

struct WatchPace {
  // A watch is made anew after this time, to twice as long (by chance, so that not all nodes do it
  // at once); the server is told.
  std::chrono::seconds renewal{300};
  // If the server has not ended it so long after that, it is dead. It is, too, when nothing came
  // for `silence`: bookmarks come about once a minute.
  std::chrono::seconds overdue{15};
  std::chrono::seconds silence{180};
  // Between tries while the server is away: twice as long each time, part of it by chance.
  std::chrono::milliseconds backoff{500}, longest_backoff{30'000};
};

// Resumes where it was after every break, and lists again only when the server says that its
// history does not go back as far (410). The objects have no managedFields.
//
// A denial (no right, no such kind) is no end: it is told by on_state(), and tried again, since
// rights and kinds may come later.
class Watch {
 public:
  // Begins, on a thread of its own. `client` and `listener` outlive it.
  static std::unique_ptr<Watch> start(Client& client, std::string path, ListOptions options,
                                      Listener& listener, WatchPace pace = {});
  // Ends within a second, whatever the server does; then the listener is not called any more. Not
  // to be called by the listener.
  virtual ~Watch() = default;
};

}  // namespace reprise::kube
