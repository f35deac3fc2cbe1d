// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "cli/command.h"
#include "cli/json.h"
#include "cli/output.h"
#include "operations/store/verification.h"

namespace reprise::cli {
namespace {

void print(Context& context, const store::Verified& verified) {
  for (const store::Damage& damage : verified.damages)
    context.io.err << (damage.checkpoint.empty() ? "" : damage.checkpoint.str() + ": ")
                   << (damage.pack.empty() ? "" : "pack '" + damage.pack + "': ") << damage.what
                   << '\n';
  context.io.out << verified.checkpoints << " checkpoints, " << format_bytes(verified.bytes)
                 << " in packs: " << (verified.damages.empty() ? "all intact" : "damage was found")
                 << '\n';
}

void print_as_json(Context& context, const store::Verified& verified) {
  Json damages = Json::array();
  for (const store::Damage& damage : verified.damages)
    damages.push_back(
        {{"checkpoint", damage.checkpoint.empty() ? Json(nullptr) : Json(damage.checkpoint.str())},
         {"pack", damage.pack.empty() ? Json(nullptr) : Json(damage.pack)},
         {"what", damage.what}});
  print_json(context.io.out, {{"checkpoints", verified.checkpoints},
                              {"bytes", verified.bytes},
                              {"damages", std::move(damages)}});
}

Result<int> verify(bool json, Context& context) {
  const store::Verified verified =
      REPRISE_PASS(operations::verify_store(context.node, context.progress));
  (json ? print_as_json : print)(context, verified);
  return verified.damages.empty() ? kDone : base::exit_code(base::ErrorCode::kCorrupt);
}

Runner configure(Arguments& arguments) {
  auto json = std::make_shared<bool>(false);
  arguments.add_flag("--json", *json, "print JSON");
  return [json](Context& context) { return verify(*json, context); };
}

}  // namespace

constinit const Command kStoreVerify = {
    .path = "store verify",
    .summary = "Read everything that is stored and prove that it is what was written",
    .details =
        R"(Names each damaged checkpoint with its pack and goes on. The exit status is 8 if there is one.

Example:
  reprise store verify --json)",
    .configure = configure,
};

}  // namespace reprise::cli
