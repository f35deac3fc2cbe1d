// SPDX-License-Identifier: Apache-2.0
#include "daemon/checkpoint_policy.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "json/lenient.h"
#include "json/reader.h"

namespace reprise::daemon {

using json_reader::list_in;
using json_reader::object_in;
using json_reader::text_in;
using json_reader::texts_of;
using nlohmann::json;

namespace {

std::optional<LabelRequirement> requirement_in(const json& expression) {
  constexpr std::array<std::string_view, 4> kHow = {"In", "NotIn", "Exists", "DoesNotExist"};
  const std::string how = text_in(expression, "operator");
  const auto found = std::ranges::find(kHow, std::string_view(how));
  if (found == kHow.end() || text_in(expression, "key").empty()) return std::nullopt;
  return LabelRequirement{.how = static_cast<LabelRequirement::How>(found - kHow.begin()),
                          .key = text_in(expression, "key"),
                          .values = texts_of(list_in(expression, "values"))};
}

std::optional<std::chrono::seconds> seconds_in(const json& object, const char* field) {
  const auto found = object.find(field);
  if (found == object.end() || !found->is_number_integer() || found->get<std::int64_t>() < 1)
    return std::nullopt;
  return std::chrono::seconds(found->get<std::int64_t>());
}

bool fits(const LabelRequirement& one, const std::map<std::string, std::string>& labels) {
  using How = LabelRequirement::How;
  const auto label = labels.find(one.key);
  const bool is_there = label != labels.end();
  const bool is_among =
      is_there && std::ranges::find(one.values, label->second) != one.values.end();
  switch (one.how) {
    case How::kIn:
      return is_among;
    case How::kNotIn:
      return !is_among;
    case How::kExists:
      return is_there;
    case How::kDoesNotExist:
      return !is_there;
  }
  return false;
}

void lengthen(Retention& longest, const CheckpointPolicy& policy) {
  using Time = std::optional<std::chrono::seconds>;
  const bool saves = policy.wish.on_disruption || policy.wish.on_delete;
  const auto to = [saves](Time& all, const Time& one, std::chrono::seconds otherwise) {
    if (one || saves)
      all = std::max(all.value_or(std::chrono::seconds(0)), one.value_or(otherwise));
  };
  to(longest.unclaimed, policy.retention.unclaimed, kKeepUnclaimed);
  to(longest.withdrawn, policy.retention.withdrawn, kKeepWithdrawn);
}

bool is_one_of(const std::vector<std::string>& wanted, const std::string& name) {
  return wanted.empty() || std::ranges::find(wanted, name) != wanted.end();
}

}  // namespace

std::optional<CheckpointPolicy> read_policy(const json& object) {
  const json& metadata = object_in(object, "metadata");
  const json& spec = object_in(object, "spec");
  const json& selector = object_in(spec, "selector");
  const json& labels = object_in(selector, "labels");
  CheckpointPolicy policy;
  policy.name = text_in(metadata, "name");
  policy.uid = text_in(metadata, "uid");
  if (policy.name.empty() || spec.empty()) return std::nullopt;
  policy.namespaces = texts_of(list_in(selector, "namespaces"));
  policy.priority_classes = texts_of(list_in(selector, "priorityClasses"));
  for (const auto& [key, value] : object_in(labels, "matchLabels").items()) {
    if (!value.is_string()) return std::nullopt;
    policy.labels.push_back(
        {.how = LabelRequirement::How::kIn, .key = key, .values = {value.get<std::string>()}});
  }
  for (const json& one : list_in(labels, "matchExpressions")) {
    const auto requirement = requirement_in(one);
    if (!requirement) return std::nullopt;
    policy.labels.push_back(*requirement);
  }
  policy.wish = {.on_disruption = text_in(spec, "onDisruption") == "Checkpoint",
                 .on_delete = text_in(spec, "onDelete") == "Checkpoint"};
  policy.deadline = seconds_in(spec, "deadlineSeconds");
  const json& retention = object_in(spec, "retention");
  policy.retention = {.unclaimed = seconds_in(retention, "unclaimedSeconds"),
                      .withdrawn = seconds_in(retention, "withdrawnSeconds")};
  return policy;
}

bool selects(const CheckpointPolicy& policy, const PodFacts& pod) {
  return is_one_of(policy.namespaces, pod.name_space) &&
         is_one_of(policy.priority_classes, pod.priority_class) &&
         std::ranges::all_of(policy.labels,
                             [&](const LabelRequirement& one) { return fits(one, pod.labels); });
}

PolicyVerdict verdict_on(const PodFacts& pod, const std::vector<CheckpointPolicy>& policies) {
  std::vector<policy::EndingWish> wishes;
  PolicyVerdict verdict;
  for (const CheckpointPolicy& one : policies) {
    if (!selects(one, pod)) continue;
    wishes.push_back(one.wish);
    verdict.names.push_back(one.name);
    if (one.deadline)
      verdict.deadline = std::min(verdict.deadline.value_or(*one.deadline), *one.deadline);
    lengthen(verdict.retention, one);
  }
  verdict.wish = policy::wish_of(pod.stated, wishes);
  return verdict;
}

}  // namespace reprise::daemon
