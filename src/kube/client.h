// SPDX-License-Identifier: Apache-2.0
//
// Requests to a Kubernetes API server.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "http/patience.h"
#include "kube/access.h"

namespace reprise::kube {

using base::Result;

class Credentials;
class RequestPace;
class Stream;

struct ClientOptions {
  // Of all requests of this client together, tries and watches included.
  double requests_per_second = 20;
  double burst = 40;
  // `stall` is how long an answer may make no move. What may be tried again is, `tries` times.
  http::Patience patience{.connect = std::chrono::milliseconds{5000},
                          .stall = std::chrono::seconds{20},
                          .tries = 4,
                          .backoff = std::chrono::milliseconds{200}};
  // Told of each request that was sent, tries and watches included, with the status of its answer;
  // 0: there was none. Called by several threads at once.
  std::function<void(std::string_view method, long status)> on_answer = nullptr;
};

struct ListOptions {
  std::string label_selector, field_selector;
  std::size_t chunk = 500;  // objects of one answer
};

struct List {
  std::vector<nlohmann::json> items;  // each with apiVersion and kind
  std::string resource_version;       // from which a watch goes on
};

// An object is removed only if it is still this one; empty means any.
struct Preconditions {
  std::string uid, resource_version;
};

// A compare-and-swap was lost: somebody else was quicker, so read the object anew, and decide anew.
bool is_conflict(const base::Error& error);

// `path` is that of an object or a collection:
// "/apis/reprise.dev/v1alpha1/namespaces/x/checkpoints". Objects are as the server says them
// without fractions, which are read as null (json/reader.h), and without metadata.managedFields.
//
// Errors of all calls:
//   kBusy         the server is away, overloaded, or broke off; of a call that changes something:
//                 whether it did is unknown
//   kDenied       we may not (the hint names the right that lacks), or one side does not trust the
//                 other
//   kNotFound     no such object (or, for create(), no such namespace)
//   kGone         is_conflict(): the object has another resourceVersion or uid than was said, or,
//                 for create(), there is one of that name
//   kInvalidInput the server finds the object or the request invalid, and says why
//   kUnsupported  the server does not know this kind (its CustomResourceDefinition lacks)
//   kCorrupt      the answer is no object
//
// Waits in a call: for the client's own limit of requests, and between tries. A try again follows
// 429 always, as late as the server asks, up to 10 s; anything else that may pass only where doing
// it twice is as good as once: get, list, apply. `stop`, where given, ends a call with kBusy in
// 0.3 s once it is true.
//
// For any number of threads. Outlives its streams.
class Client {
 public:
  using Stop = const std::atomic<bool>*;

  // kInvalidInput or kNotFound for files that cannot be read.
  static Result<std::unique_ptr<Client>> open(Access access, std::string user_agent,
                                              ClientOptions options = {});
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  Result<nlohmann::json> get(const std::string& path, Stop stop = nullptr);
  // All of a collection at one moment, however many answers it takes.
  Result<List> list(const std::string& path, const ListOptions& options = {}, Stop stop = nullptr);
  // Of those that change something: the object as it is then.
  Result<nlohmann::json> create(const std::string& path, const nlohmann::json& object,
                                Stop stop = nullptr);
  // `object` has the metadata.resourceVersion that was read: a compare-and-swap.
  Result<nlohmann::json> update(const std::string& path, const nlohmann::json& object,
                                Stop stop = nullptr);
  // The same of its status alone; `path` is the object's.
  Result<nlohmann::json> update_status(const std::string& path, const nlohmann::json& object,
                                       Stop stop = nullptr);
  // Fields of `patch` take the place of the object's, null removes (RFC 7386). With a
  // metadata.resourceVersion in it a compare-and-swap.
  Result<nlohmann::json> merge(const std::string& path, const nlohmann::json& patch,
                               Stop stop = nullptr);
  // Server-side apply: makes the object, or the fields in `object` as they are there; fields that
  // another manager has are taken over.
  Result<nlohmann::json> apply(const std::string& path, const nlohmann::json& object,
                               std::string_view field_manager, Stop stop = nullptr);
  Result<void> remove(const std::string& path, const Preconditions& only_if = {},
                      Stop stop = nullptr);

  // For Watch: an answer that comes piece by piece; one that moves no byte for `silence` is kBusy.
  // kGone: the server's history does not go back as far.
  Result<std::unique_ptr<Stream>> open_stream(const std::string& path_and_query,
                                              std::chrono::seconds silence, Stop stop);

  [[nodiscard]] const std::string& server() const;
  // The namespace of the Access.
  [[nodiscard]] const std::string& own_namespace() const;

 private:
  struct Call;
  struct Answer;
  Client(std::unique_ptr<Credentials> credentials, std::string user_agent, ClientOptions options);
  Result<nlohmann::json> call(const Call& call);
  Result<Answer> ask(const Call& call);
  Result<Answer> ask_once(const Call& call);
  void note_answer(std::string_view method, long status) const;

  std::unique_ptr<Credentials> credentials_;
  std::unique_ptr<RequestPace> pace_;
  std::string user_agent_;
  ClientOptions options_;
};

}  // namespace reprise::kube
