// SPDX-License-Identifier: Apache-2.0
//
// What `doctor` says: remarks, and what is said of pods and nodes alike. Pure.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace reprise::kubectl {

struct Remark {
  enum class Weight : std::uint8_t { kFine, kMind, kPrevents };
  Weight weight = Weight::kFine;
  std::string text;
  std::string remedy;  // empty where there is nothing to be done
};

class Remarks {
 public:
  void fine(std::string text) { put(Remark::Weight::kFine, std::move(text), ""); }
  void mind(std::string text, std::string remedy) {
    put(Remark::Weight::kMind, std::move(text), std::move(remedy));
  }
  void prevents(std::string text, std::string remedy) {
    put(Remark::Weight::kPrevents, std::move(text), std::move(remedy));
  }
  // Something to be minded that could prevent it: `what` is not known ("the policies").
  void unknown(std::string text, std::string remedy, std::string what) {
    unknowns_ += (unknowns_.empty() ? "" : ", ") + what;
    mind(std::move(text), std::move(remedy));
  }
  [[nodiscard]] bool is_prevented() const;
  // What is not known: "the policies, the node's agent". Empty: nothing.
  [[nodiscard]] const std::string& unknowns() const { return unknowns_; }
  [[nodiscard]] std::vector<Remark> take() { return std::move(all_); }

 private:
  void put(Remark::Weight weight, std::string text, std::string remedy);
  std::vector<Remark> all_;
  std::string unknowns_;
};

// Unknown is not "no", and not "yes".
enum class Verdict : std::uint8_t { kNo, kYes, kUnknown };
// As JSON: true, false, null.
nlohmann::ordered_json to_json(Verdict verdict);

// "ok", "mind" or "no".
const char* mark_of(Remark::Weight weight);

// Condition Ready of a pod or a node.
bool is_ready(const nlohmann::json& object);

// `agents`: the pods of namespace reprise-system; nullopt where nobody lets us look.
void say_agent(Remarks& say, const std::string& node,
               const std::optional<std::vector<nlohmann::json>>& agents);

}  // namespace reprise::kubectl
