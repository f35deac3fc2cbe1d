// SPDX-License-Identifier: Apache-2.0
#include "daemon/policy_book.h"

#include <utility>

#include "base/log.h"
#include "json/lenient.h"
#include "json/reader.h"
#include "sys/files.h"

namespace reprise::daemon {

using base::LogLevel;
using json_reader::object_in;
using json_reader::text_in;
using nlohmann::json;

class PolicyBook::Listener final : public kube::Listener {
 public:
  explicit Listener(PolicyBook& book) : book_(book) {}
  void on_list(std::vector<json> all) override {
    {
      const std::lock_guard hold(book_.lock_);
      book_.policies_.clear();
      for (const json& one : all) put(one);
      book_.known_ = true;
    }
    book_.note("listed");
  }
  void on_change(json object) override {
    {
      const std::lock_guard hold(book_.lock_);
      put(object);
    }
    book_.note("changed");
  }
  void on_remove(json object) override {
    {
      const std::lock_guard hold(book_.lock_);
      book_.policies_.erase(text_in(object_in(object, "metadata"), "uid"));
    }
    book_.note("removed");
  }
  void on_state(bool in_step, const base::Error* why) override {
    if (in_step)
      return base::log(LogLevel::kInfo, "in step with the API server", {{"what", "policies"}});
    base::log(LogLevel::kWarn, "not in step with the API server",
              {{"what", "policies"}, {"error", why == nullptr ? "" : why->message()}});
    // An agent that is newer than what was applied goes by annotations.
    const bool lacks = why != nullptr && (why->code() == base::ErrorCode::kUnsupported ||
                                          why->code() == base::ErrorCode::kNotFound ||
                                          why->code() == base::ErrorCode::kDenied);
    if (!lacks) return;
    {
      const std::lock_guard hold(book_.lock_);
      book_.known_ = true;
    }
    book_.note("not known to the cluster");
  }

 private:
  void put(const json& object) {
    const std::string uid = text_in(object_in(object, "metadata"), "uid");
    book_.policies_.erase(uid);
    auto one = read_policy(object);
    if (one) book_.policies_.insert_or_assign(uid, *std::move(one));
    if (!one)
      base::log(LogLevel::kWarn, "a policy is not understood, and selects nothing",
                {{"policy", text_in(object_in(object, "metadata"), "name")}});
  }
  PolicyBook& book_;
};

PolicyBook::PolicyBook(kube::Client& client, std::filesystem::path flag,
                       std::function<void()> changed)
    : flag_(std::move(flag)),
      changed_(std::move(changed)),
      listener_(std::make_unique<Listener>(*this)) {
  kube::WatchPace pace;
  pace.longest_backoff = std::chrono::seconds{3};
  watch_ = kube::Watch::start(client, kPolicyCollection, {}, *listener_, pace);
}

PolicyBook::~PolicyBook() = default;

void PolicyBook::note(const char* step) {
  const auto count = all().size();
  base::log(LogLevel::kInfo, "policies", {{"step", step}, {"count", std::to_string(count)}});
  if (!flag_.empty()) {
    const auto noted = count > 0 ? sys::replace_file(flag_, "") : sys::remove_tree(flag_);
    base::warn_and_ignore(noted, "pods without annotations go by no policy");
  }
  changed_();
}

bool PolicyBook::is_known() const {
  const std::lock_guard hold(lock_);
  return known_;
}

std::vector<CheckpointPolicy> PolicyBook::all() const {
  const std::lock_guard hold(lock_);
  std::vector<CheckpointPolicy> found;
  for (const auto& [uid, one] : policies_) found.push_back(one);
  return found;
}

}  // namespace reprise::daemon
