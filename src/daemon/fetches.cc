// SPDX-License-Identifier: Apache-2.0
#include "daemon/fetches.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include "base/log.h"
#include "base/units.h"
#include "catalog/origin.h"
#include "daemon/agreement.h"
#include "daemon/claim_token.h"
#include "daemon/internal/object_name.h"
#include "daemon/peer_service.h"
#include "daemon/remote_copies.h"
#include "daemon/sessions.h"
#include "json/lenient.h"
#include "json/reader.h"
#include "oci/cri.h"
#include "remote/peer.h"
#include "store/open_catalog.h"
#include "store/tenants.h"
#include "transfer/transfer.h"

namespace reprise::daemon {

using base::ErrorCode;
using base::LogLevel;
using base::Result;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr http::Patience kPeerPatience{.connect = milliseconds{3000},
                                       .stall = std::chrono::seconds{10},
                                       .tries = 2,
                                       .backoff = milliseconds{200}};
constexpr milliseconds kPause{100};

// Whether it is what was left of that container, whoever says so.
Result<void> check_origin(const image::Manifest& manifest, const oci::PodContainer& source) {
  if (is_key_of(manifest.key, source) && manifest.name == oci::full_name(source) &&
      manifest.trigger == image::Trigger::kStop)
    return {};
  return base::fail(ErrorCode::kCorrupt, "checkpoint '" + manifest.id.str() + "' is not of '" +
                                             oci::full_name(source) + "'");
}

// Whoever may write Checkpoints may name one again that this node has had.
Result<void> check_new(catalog::Catalog& catalog, const base::CheckpointId& id) {
  if (!REPRISE_PASS(catalog.was_restored(id))) return {};
  return base::fail(ErrorCode::kCorrupt, "checkpoint '" + id.str() + "' was gone on from already");
}

}  // namespace

class Fetches::Job {
 public:
  Job(Fetches& all, CheckpointObject checkpoint, crypto::SecretText token)
      : all_(all),
        checkpoint_(std::move(checkpoint)),
        token_(std::move(token)),
        thread_([this] { run(); }) {}
  ~Job() {
    stop_ = true;
    thread_.join();
  }
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  [[nodiscard]] FetchState state() const {
    const std::lock_guard hold(lock_);
    return {.kind = kind_,
            .words = kind_ == FetchState::Kind::kRunning ? progress() : words_,
            .left = left(),
            .is_other_key = kind_ == FetchState::Kind::kFailed && is_other_key_};
  }

 private:
  void run();
  Result<void> fetch(const SavedContainer& container);
  Result<void> try_once(const SavedContainer& container);
  Result<void> take_from_node(const SavedContainer& container);
  Result<void> take_from_remote(const SavedContainer& container, const std::string& remote);
  Result<image::Manifest> pull(const SavedContainer& container, remote::ObjectStore& from);
  Result<std::unique_ptr<remote::ObjectStore>> open_source();
  Result<void> check_address(const std::string& address);
  Result<void> renew_claim();
  // `remote`: from where it came; empty: from its node.
  [[nodiscard]] Result<void> enter(const image::Manifest& manifest,
                                   const std::string& remote) const;
  [[nodiscard]] std::string progress() const;
  [[nodiscard]] std::optional<milliseconds> left() const;
  [[nodiscard]] Result<CheckpointObject> now() const;
  void end(FetchState::Kind kind, std::string words);

  Fetches& all_;
  CheckpointObject checkpoint_;
  crypto::SecretText token_;
  const steady_clock::time_point began_ = steady_clock::now();
  std::atomic<bool> stop_ = false;
  std::atomic<std::uint64_t> done_ = 0, all_bytes_ = 0, moves_ = 0;
  bool is_lasting_ = false;  // what went wrong last will not pass
  std::atomic<bool> is_other_key_ = false;
  std::string checked_;  // the last address that was the node's
  mutable std::mutex lock_;
  FetchState::Kind kind_ = FetchState::Kind::kRunning;
  std::string words_;  // why it failed; while it runs: what holds it up
  std::string from_;   // whom it is fetched from
  std::thread thread_;
};

std::string Fetches::Job::progress() const {
  std::string words = "what pod '" + checkpoint_.pod + "' left is being fetched from " +
                      (from_.empty() ? "node '" + checkpoint_.node + "'" : from_);
  if (all_bytes_ > 0)
    words += ", " + base::format_bytes(done_) + " of " + base::format_bytes(all_bytes_);
  return words_.empty() ? words : words + " (" + words_ + ")";
}

std::optional<milliseconds> Fetches::Job::left() const {
  const std::uint64_t done = done_;
  const std::uint64_t all = all_bytes_;
  if (done == 0 || done > all || !words_.empty()) return std::nullopt;
  const std::chrono::duration<double, std::milli> took = steady_clock::now() - began_;
  return std::chrono::duration_cast<milliseconds>(took * static_cast<double>(all - done) /
                                                  static_cast<double>(done));
}

void Fetches::Job::end(FetchState::Kind kind, std::string words) {
  const std::lock_guard hold(lock_);
  kind_ = kind;
  words_ = std::move(words);
}

// As the API has it; an error if nobody goes on from it any more.
Result<CheckpointObject> Fetches::Job::now() const {
  auto now = all_.view_.checkpoint(checkpoint_.uid);
  if (!now || now->phase != Phase::kClaimable)
    return base::fail(ErrorCode::kNotFound, "'" + checkpoint_.full_name() + "' was given up");
  return *std::move(now);
}

void Fetches::Job::run() {
  for (const SavedContainer& one : checkpoint_.containers) {
    // This agent was started again after the first container of the pod went on.
    const auto known = now();
    const SavedContainer* latest = known ? known->find(one.name) : nullptr;
    if (one.checkpoint.empty() || (latest != nullptr && latest->resumed)) continue;
    const auto fetched = fetch(one);
    if (stop_) return;
    if (fetched) continue;
    base::log(LogLevel::kWarn, "a checkpoint was not fetched",
              {{"checkpoint", one.checkpoint.str()},
               {"object", checkpoint_.full_name()},
               {"error", fetched.error().message()}});
    return end(FetchState::Kind::kFailed, fetched.error().message());
  }
  const auto took = std::chrono::duration_cast<milliseconds>(steady_clock::now() - began_).count();
  base::log(LogLevel::kInfo, "fetched",
            {{"object", checkpoint_.full_name()},
             {"from", from_.empty() ? "node '" + checkpoint_.node + "'" : from_},
             {"bytes", std::to_string(done_)},
             {"duration_ms", std::to_string(took)}});
  end(FetchState::Kind::kDone, "");
}

// Tries until it is here, it cannot come, or nothing of it has come for long.
Result<void> Fetches::Job::fetch(const SavedContainer& container) {
  auto quiet = steady_clock::now();
  for (std::uint64_t moved = moves_;;) {
    is_lasting_ = false;
    auto tried = try_once(container);
    if (tried || is_lasting_ || stop_) return tried;
    if (std::exchange(moved, moves_) != moved) quiet = steady_clock::now();
    if (steady_clock::now() - quiet > kSourcePatience)
      return base::fail(ErrorCode::kBusy, "node '" + checkpoint_.node +
                                              "' gives nothing: " + tried.error().message());
    {
      const std::lock_guard hold(lock_);
      words_ = tried.error().message();
    }
    // Its agent may be about to learn of the claim, or to say where it is.
    all_.view_.wait_change(all_.view_.version(), kPause);
    std::this_thread::sleep_for(kPause / 2);
  }
}

Result<void> Fetches::Job::try_once(const SavedContainer& container) {
  auto here = REPRISE_PASS(store::open_catalog(all_.store_));
  const auto lasting = [this](Result<void> result) {
    is_lasting_ = !result;
    return result;
  };
  if (const auto is_new = check_new(here, container.checkpoint); !is_new) return lasting(is_new);
  if (const auto known = now(); !known) return lasting(std::unexpected(known.error()));
  auto taken = take_from_node(container);
  // A node that answers, and denies it, knows more than a remote: it may have gone on there.
  if (taken || is_lasting_ || taken.error().code() != ErrorCode::kBusy) return taken;
  const auto known = now();
  if (!known || known->remote.empty()) return taken;
  auto otherwise = take_from_remote(container, known->remote);
  if (otherwise) return otherwise;
  return std::unexpected(std::move(taken).error().with_suppressed(otherwise.error()));
}

Result<void> Fetches::Job::take_from_node(const SavedContainer& container) {
  REPRISE_PASS(renew_claim());
  const auto from = REPRISE_PASS(open_source());
  // Whether it may be read is asked before: then what is denied is denied by keys.
  const auto size = from->size("checkpoints/" + container.checkpoint.str());
  if (!size) return std::unexpected(size.error());
  if (!*size) {
    is_lasting_ = true;
    return base::fail(ErrorCode::kNotFound, "node '" + checkpoint_.node +
                                                "' does not have checkpoint '" +
                                                container.checkpoint.str() + "'");
  }
  const auto pulled = pull(container, *from);
  if (pulled) return enter(*pulled, "");
  const ErrorCode code = pulled.error().code();
  is_lasting_ = code == ErrorCode::kDenied || code == ErrorCode::kCorrupt ||
                code == ErrorCode::kNotFound || code == ErrorCode::kUnsupported;
  is_other_key_ = code == ErrorCode::kDenied;
  if (code == ErrorCode::kDenied)
    return base::fail(code, "nodes '" + checkpoint_.node + "' and '" + all_.node_ +
                                "' have other keys (/etc/reprise/store.key must be the same): " +
                                pulled.error().message());
  return std::unexpected(pulled.error());
}

// From the remote that this node's configuration calls so: the object only names it. Who may go on
// is decided by the claim alone, so nothing is lost by not asking the node that saved it.
Result<void> Fetches::Job::take_from_remote(const SavedContainer& container,
                                            const std::string& remote) {
  const auto from = REPRISE_PASS(open_node_remote(all_.config_, remote));
  {
    const std::lock_guard hold(lock_);
    from_ = "remote '" + remote + "'";
  }
  const auto pulled = pull(container, *from);
  if (pulled) return enter(*pulled, remote);
  // Whatever it is, the node may be back.
  return std::unexpected(pulled.error());
}

Result<image::Manifest> Fetches::Job::pull(const SavedContainer& container,
                                           remote::ObjectStore& from) {
  const auto tell = [&](std::uint64_t done, std::uint64_t all) -> Result<void> {
    done_ = done;
    all_bytes_ = all;
    ++moves_;
    {
      const std::lock_guard hold(lock_);
      words_.clear();
    }
    if (stop_) return base::fail(ErrorCode::kGone, "the agent ends");
    return {};
  };
  const auto accept = [&](const image::Manifest& manifest) {
    return check_origin(manifest, checkpoint_.source(container.name));
  };
  // It becomes its namespace's here, and can be opened by that one's key alone.
  store::StoreConfig into = all_.store_;
  into.tenant = store::tenant_of_namespace(checkpoint_.name_space);
  return REPRISE_PASS(transfer::pull_checkpoint(into, container.checkpoint, from, tell, accept))
      .manifest;
}

// This agent was started again since, and has another token.
Result<void> Fetches::Job::renew_claim() {
  const std::string hash = hash_of(token_.view());
  const auto changed =
      change_status(all_.client_, all_.view_, checkpoint_, [&](CheckpointObject& now) {
        if (!now.claimed_by || now.claimed_by->node != all_.node_ ||
            now.claimed_by->token_hash == hash)
          return false;
        Claimer claimer = *now.claimed_by;
        claimer.token_hash = hash;
        set_claim(now, claimer);
        return true;
      });
  if (!changed) return std::unexpected(changed.error());
  return {};
}

Result<std::unique_ptr<remote::ObjectStore>> Fetches::Job::open_source() {
  const CheckpointObject known = REPRISE_PASS(now());
  if (!known.source_peer)
    return base::fail(ErrorCode::kBusy,
                      "the agent of node '" + checkpoint_.node + "' does not say where it is");
  REPRISE_PASS(check_address(known.source_peer->address));
  return remote::open_peer({.url = "https://" + known.source_peer->address,
                            .token = token_,
                            .pin = known.source_peer->pin,
                            .patience = kPeerPatience});
}

Result<void> Fetches::Job::check_address(const std::string& address) {
  if (address == checked_) return {};
  if (!is_object_name(checkpoint_.node))
    return base::fail(ErrorCode::kInvalidInput, "'" + checkpoint_.node + "' is no node");
  auto node = all_.client_.get("/api/v1/nodes/" + checkpoint_.node);
  if (!node && node.error().code() == ErrorCode::kNotFound)
    return base::fail(ErrorCode::kBusy,
                      "node '" + checkpoint_.node + "' is not of the cluster any more");
  REPRISE_TRY(node, "finding out the addresses of node '" + checkpoint_.node + "'");
  if (!is_address_of(*node, address, all_.port_))
    return base::fail(ErrorCode::kDenied, "'" + address + "' is no address of node '" +
                                              checkpoint_.node + "' (its InternalIP, port " +
                                              std::to_string(all_.port_) + ")");
  checked_ = address;
  return {};
}

Result<void> Fetches::Job::enter(const image::Manifest& manifest, const std::string& remote) const {
  auto catalog = REPRISE_PASS(store::open_catalog(all_.store_));
  const auto known = catalog.find_checkpoint(manifest.id.str());
  if (!known && known.error().code() != ErrorCode::kNotFound) return std::unexpected(known.error());
  if (!known || known->id != manifest.id)
    REPRISE_PASS(catalog.add_checkpoint(manifest, "", catalog::Catalog::Continue::kNo));
  // The node that saved it has uploaded it, or does so; it is not to go there from here as well.
  for (const std::string& one : all_.config_.upload_remotes())
    if (one != remote) REPRISE_PASS(catalog.note_removed_copy(manifest.id, one));
  if (!remote.empty()) {
    // That node may never be back to remove it there.
    REPRISE_PASS(CopyRecords(all_.store_.root)
                     .keep({.remote = remote,
                            .checkpoint = manifest.id,
                            .name_space = checkpoint_.name_space,
                            .pod_uid = checkpoint_.pod_uid}));
    REPRISE_PASS(catalog.note_copy({.checkpoint = manifest.id, .remote = remote}));
  }
  // A session of the cluster did, whose nodes have one key, and let nobody else have it.
  return catalog::note_made_here(all_.store_.root, manifest.id);
}

bool is_address_of(const nlohmann::json& node, const std::string& address, std::uint16_t port) {
  const auto there = parse_host_and_port(address);
  if (!there || there->port != port) return false;
  using json_reader::list_in, json_reader::object_in, json_reader::text_in;
  return std::ranges::any_of(
      list_in(object_in(node, "status"), "addresses"), [&](const nlohmann::json& one) {
        return text_in(one, "type") == "InternalIP" && text_in(one, "address") == there->host;
      });
}

Fetches::Fetches(kube::Client& client, ClusterView& view, store::StoreConfig store,
                 config::Config config, std::string node, std::uint16_t port)
    : client_(client),
      view_(view),
      store_(std::move(store)),
      config_(std::move(config)),
      node_(std::move(node)),
      port_(port) {}

Fetches::~Fetches() = default;

Result<std::string> Fetches::token_hash(const std::string& uid) {
  const std::lock_guard hold(lock_);
  auto found = tokens_.find(uid);
  if (found == tokens_.end()) found = tokens_.emplace(uid, REPRISE_PASS(make_claim_token())).first;
  return hash_of(found->second.view());
}

FetchState Fetches::fetch(const CheckpointObject& checkpoint) {
  if (const auto hash = token_hash(checkpoint.uid); !hash)
    return {.kind = FetchState::Kind::kFailed, .words = hash.error().message()};
  const std::lock_guard hold(lock_);
  std::erase_if(jobs_, [this](const auto& one) {
    const auto known = view_.checkpoint(one.first);
    return one.second->state().kind == FetchState::Kind::kDone && (!known || known->is_over());
  });
  auto& job = jobs_[checkpoint.uid];
  if (!job) job = std::make_unique<Job>(*this, checkpoint, tokens_.at(checkpoint.uid));
  FetchState state = job->state();
  if (state.kind == FetchState::Kind::kFailed) jobs_.erase(checkpoint.uid);
  return state;
}

}  // namespace reprise::daemon
