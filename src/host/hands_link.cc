// SPDX-License-Identifier: Apache-2.0
#include "host/hands_link.h"

#include "host/internal/codec.h"
#include "sys/message_socket.h"

namespace reprise::host {

using base::ErrorCode;
using base::Result;
using nlohmann::json;

namespace {

constexpr const char* kSaveNow = "save-now";
constexpr std::chrono::seconds kHandsPatience{5};

}  // namespace

std::string encode(const SaveNow& question) {
  return json_writer::print(json{{"ask", kSaveNow},
                                 {"id", question.container.str()},
                                 {"namespace", question.pod.name_space},
                                 {"pod", question.pod.pod},
                                 {"uid", question.pod.uid},
                                 {"container", question.pod.container}});
}

Result<SaveNow> decode_save_now(const std::string& text) {
  return guarded("question", [&]() -> SaveNow {
    const json j = json_reader::parse(text);
    if (j.at("ask").get<std::string>() != kSaveNow) throw std::out_of_range(kSaveNow);
    SaveNow question;
    question.container = id_from<base::ContainerId>(j.at("id").get<std::string>());
    question.pod = {.name_space = j.at("namespace").get<std::string>(),
                    .pod = j.at("pod").get<std::string>(),
                    .uid = j.at("uid").get<std::string>(),
                    .container = j.at("container").get<std::string>()};
    return question;
  });
}

std::filesystem::path hands_socket_of(const Layout& layout) { return layout.run / "hands.sock"; }

Result<Outcome> ask_hands(const Layout& layout, const SaveNow& question,
                          const std::function<void(const std::string& phase)>& told) {
  auto socket = REPRISE_TRY(sys::MessageSocket::connect(hands_socket_of(layout), kHandsPatience),
                            "asking the node's hands");
  REPRISE_PASS(socket.send(encode(question)));
  for (;;) {
    const auto text = REPRISE_PASS(socket.receive());
    if (!text)
      return base::fail(ErrorCode::kGone, "the node's hands went away: how it ended is not known");
    const WorkerMessage message = REPRISE_PASS(decode_worker_message(*text));
    if (const auto* phase = std::get_if<Phase>(&message)) told(phase->name);
    if (const auto* outcome = std::get_if<Outcome>(&message)) return *outcome;
  }
}

}  // namespace reprise::host
