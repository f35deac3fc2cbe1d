// SPDX-License-Identifier: Apache-2.0
#include "host/unanswered.h"

#include "sys/exists.h"
#include "sys/files.h"

namespace reprise::host {

using base::Result;

namespace {

std::filesystem::path notes_in(const Layout& layout) { return layout.run / "unanswered"; }

}  // namespace

Result<void> note_unanswered(const Layout& layout, const WillEnd& question) {
  REPRISE_PASS(sys::make_directories(notes_in(layout)));
  return sys::replace_file(notes_in(layout) / question.container.str(),
                           encode(AgentQuestion(question)));
}

Result<std::vector<WillEnd>> take_unanswered(const Layout& layout) {
  std::vector<WillEnd> found;
  if (!REPRISE_PASS(sys::exists(notes_in(layout)))) return found;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(notes_in(layout), error), end;
       !error && entry != end; entry.increment(error)) {
    const auto text = sys::read_file(entry->path());
    const auto question = text ? decode_agent_question(*text) : std::unexpected(text.error());
    if (question)
      if (const auto* ending = std::get_if<WillEnd>(&*question)) found.push_back(*ending);
    REPRISE_PASS(sys::remove_tree(entry->path()));
  }
  return found;
}

}  // namespace reprise::host
