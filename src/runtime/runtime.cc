// SPDX-License-Identifier: Apache-2.0
#include "runtime/runtime.h"

#include <array>
#include <span>
#include <string_view>
#include <utility>

#include "config/config.h"
#include "host/layout.h"
#include "runtime/call.h"

namespace reprise::runtime {

int run_runtime(int argc, char** argv, const sys::Environment& environment) {
  // A mistake in the file must not keep containers from running that have nothing to do with us,
  // nor from being saved that run by now: only what is to go on waits until it is mended.
  config::Standing standing =
      config::load_standing(environment, host::Layout::of({}, environment).kept_configuration());
  store::StoreConfig store = config::store_config(standing.config, environment);
  const Call call{.arguments = Arguments::parse(std::span(argv, static_cast<std::size_t>(argc))),
                  .layout = host::Layout::of(store.root, environment),
                  .store = std::move(store),
                  .misconfigured = std::move(standing.mistake),
                  .environment = environment};
  if (call.misconfigured) tell_caller(call, Severity::kWarning, call.misconfigured->message());
  using Handler = int (*)(const Call&);
  constexpr std::array<std::pair<std::string_view, Handler>, 9> kHandlers = {{
      {"create", create},
      {"start", start},
      {"exec", execute},
      {"state", state},
      {"kill", kill},
      {"pause", pause_or_resume},
      {"resume", pause_or_resume},
      {"delete", remove},
      {"checkpoint", checkpoint},
  }};
  for (const auto& [verb, handler] : kHandlers)
    if (call.arguments.verb == verb && !call.arguments.has_flag("help")) return handler(call);
  return pass_through(call);
}

}  // namespace reprise::runtime
