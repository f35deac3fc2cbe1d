// SPDX-License-Identifier: Apache-2.0
//
// Events (events.k8s.io/v1): what a user reads in `kubectl describe`.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "kube/client.h"

namespace reprise::kube {

// The object that an Event is about.
struct ObjectReference {
  std::string api_version, kind, namespace_, name, uid;
};

enum class EventType : std::uint8_t { kNormal, kWarning };

struct Event {
  ObjectReference about;
  EventType type = EventType::kNormal;
  std::string reason;  // "Resumed": CamelCase, for programs
  std::string action;  // what was being done: "Restoring"
  std::string note;    // for people; cut at 1024 bytes
};

struct EventsOptions {
  std::string controller = "reprise.dev/agent";
  std::string instance;                       // which of them: the node
  std::size_t queue = 256;                    // Events that wait; more are dropped
  std::chrono::milliseconds same{600'000};    // the same within this time is counted, not made anew
  std::chrono::milliseconds recount{10'000};  // at most so often the count is told
  std::chrono::milliseconds give_up{60'000};  // after so long an Event is dropped
  std::chrono::milliseconds rest{600};        // how long the end posts what still waits
};

// Posts on a thread of its own, ten a second at most. Needs verbs create and patch on events of
// events.k8s.io.
class Events {
 public:
  // `on_failure` is called by that thread for an Event (or several) that will not come, once for
  // each that is dropped after tries; those that the queue had no room for are told by one call.
  using OnFailure = std::function<void(const base::Error& why)>;
  static std::unique_ptr<Events> start(Client& client, EventsOptions options,
                                       OnFailure on_failure = nullptr);
  // Posts what waits, for `rest` (a request that is given up then takes 0.2 s more); what is left
  // is dropped.
  virtual ~Events() = default;

  // Never waits for anybody. The same (object, type, reason, action, note) raises the count of the
  // one before.
  virtual void post(Event event) = 0;
};

}  // namespace reprise::kube
