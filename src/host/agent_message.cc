// SPDX-License-Identifier: Apache-2.0
#include "host/agent_message.h"

#include "host/internal/codec.h"

namespace reprise::host {

using base::Result;
using nlohmann::json;

namespace {

constexpr std::array<std::string_view, 4> kQuestions = {"will-create", "will-end", "created",
                                                        "what-is-wished"};
constexpr std::array<std::string_view, 5> kAnswers = {"wait", "go-on", "ending", "try-later",
                                                      "policy-wish"};

json to_json(const oci::PodContainer& pod) {
  return json{{"namespace", pod.name_space},
              {"pod", pod.pod},
              {"uid", pod.uid},
              {"container", pod.container}};
}

oci::PodContainer pod_in(const json& j) {
  return {.kind = oci::PodContainer::Kind::kContainer,
          .name_space = j.value("namespace", ""),
          .pod = j.value("pod", ""),
          .uid = j.at("uid").get<std::string>(),
          .container = j.at("container").get<std::string>()};
}

void put(json& /*j*/, const WillCreate& /*question*/) {}
void put(json& j, const WillEnd& question) { j["signal"] = question.signal; }
void put(json& j, const Created& question) {
  j["resumed"] = question.resumed.str();
  j["failed"] = question.failed;
}

void put(json& /*j*/, const WhatIsWished& /*question*/) {}

void put(json& j, const PolicyWish& answer) {
  j["on_disruption"] = answer.on_disruption;
  j["on_delete"] = answer.on_delete;
  j["freeze_limit"] = answer.freeze_limit;
}
void put(json& j, const Wait& answer) {
  j["reason"] = answer.reason;
  j["claimed"] = answer.is_claimed;
}
void put(json& j, const TryLater& answer) { j["reason"] = answer.reason; }
void put(json& j, const GoOn& answer) {
  j["checkpoint"] = answer.checkpoint.str();
  j["reason"] = answer.reason;
  if (answer.is_bound) j["bound"] = true;
}
void put(json& j, const Ending& answer) {
  j["checkpoint"] = answer.checkpoint;
  j["reason"] = answer.reason;
}

// What all questions have.
template <typename Question>
Question question_in(const json& j) {
  Question question;
  question.container = id_from<base::ContainerId>(j.at("id").get<std::string>());
  question.key = id_from<base::ContainerKey>(j.at("key").get<std::string>());
  question.pod = pod_in(j.at("pod"));
  return question;
}

}  // namespace

std::string encode(const AgentQuestion& question) {
  json j{{"ask", kQuestions.at(question.index())}};
  std::visit(
      [&j](const auto& what) {
        j["id"] = what.container.str();
        j["key"] = what.key.str();
        j["pod"] = to_json(what.pod);
        put(j, what);
      },
      question);
  return json_writer::print(j);
}

std::string encode(const AgentAnswer& answer) {
  json j{{"answer", kAnswers.at(answer.index())}};
  std::visit([&j](const auto& what) { put(j, what); }, answer);
  return json_writer::print(j);
}

Result<AgentQuestion> decode_agent_question(const std::string& text) {
  return guarded("question", [&]() -> AgentQuestion {
    const json j = json_reader::parse(text);
    switch (index_of(kQuestions, j.at("ask").get<std::string>())) {
      case 0:
        return question_in<WillCreate>(j);
      case 1: {
        auto question = question_in<WillEnd>(j);
        question.signal = j.at("signal").get<int>();
        return question;
      }
      case 3:
        return question_in<WhatIsWished>(j);
      default: {
        auto question = question_in<Created>(j);
        question.resumed = id_from<base::CheckpointId>(j.value("resumed", ""));
        question.failed = j.value("failed", "");
        return question;
      }
    }
  });
}

Result<AgentAnswer> decode_agent_answer(const std::string& text) {
  return guarded("answer", [&]() -> AgentAnswer {
    const json j = json_reader::parse(text);
    switch (index_of(kAnswers, j.at("answer").get<std::string>())) {
      case 0:
        return Wait{.reason = j.value("reason", ""), .is_claimed = j.value("claimed", false)};
      case 1:
        return GoOn{
            .checkpoint = id_from<base::CheckpointId>(j.at("checkpoint").get<std::string>()),
            .reason = j.value("reason", ""),
            .is_bound = j.value("bound", false)};
      case 3:
        return TryLater{.reason = j.value("reason", "")};
      case 4:
        return PolicyWish{.on_disruption = j.value("on_disruption", false),
                          .on_delete = j.value("on_delete", false),
                          .freeze_limit = j.value("freeze_limit", 0)};
      default:
        return Ending{.checkpoint = j.at("checkpoint").get<bool>(),
                      .reason = j.value("reason", "")};
    }
  });
}

}  // namespace reprise::host
