// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <csignal>
#include <memory>

#include "cli/command.h"
#include "crypto/secret_text.h"
#include "operations/transfer/transfer.h"
#include "remote/peer.h"

namespace reprise::cli {
namespace {

using base::Error;
using base::ErrorCode;

struct Options {
  std::string listen, cert, key, ca, token_file;
};

// "HOST:PORT", "[::1]:PORT".
Result<void> set_address(const std::string& listen, remote::ServeOptions& options) {
  const std::size_t colon = std::min(listen.rfind(':'), listen.size());
  options.host = listen.substr(0, colon);
  if (options.host.starts_with('[') && options.host.ends_with(']'))
    options.host = options.host.substr(1, options.host.size() - 2);
  const char* const end = listen.data() + listen.size();
  const auto [stop, error] = std::from_chars(listen.data() + colon + 1, end, options.port);
  if (colon < listen.size() && !options.host.empty() && error == std::errc{} && stop == end)
    return {};
  return std::unexpected(
      Error(ErrorCode::kInvalidInput, "'" + listen + "' is no address to listen at")
          .with_hint("use HOST:PORT, for example 0.0.0.0:7433"));
}

// Blocks SIGTERM and SIGINT, in threads that are started from now on too, and waits for one.
class EndSignal {
 public:
  EndSignal() {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGTERM);
    sigaddset(&signals_, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals_, &before_);
  }
  ~EndSignal() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  EndSignal(const EndSignal&) = delete;
  EndSignal& operator=(const EndSignal&) = delete;

  void wait() const {
    int ignored = 0;
    sigwait(&signals_, &ignored);
  }

 private:
  sigset_t signals_{};
  sigset_t before_{};
};

Result<int> serve(const Options& options, Context& context) {
  remote::ServeOptions serving{.store = context.node.layout.store,
                               .cert_file = options.cert,
                               .key_file = options.key,
                               .ca_file = options.ca};
  // Without it a reader could not make the container again.
  serving.make_note = [config = context.node.store](const std::string& name) {
    return operations::make_note(config, name);
  };
  REPRISE_PASS(set_address(options.listen, serving));
  if (!options.token_file.empty())
    serving.token = REPRISE_TRY(crypto::read_secret_file(options.token_file), "reading the token");
  const std::string host = serving.host.contains(':') ? "[" + serving.host + "]" : serving.host;
  const EndSignal end;
  const auto server = REPRISE_TRY(remote::serve_objects(std::move(serving)),
                                  "cannot serve '" + context.node.layout.store.string() + "'");
  context.io.out << "serving '" << context.node.layout.store.string() << "' at https://" << host
                 << ":" << server->port() << std::endl;  // at once: somebody may wait for it
  end.wait();
  return kDone;
}

Runner configure(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.add_option("--listen", options->listen, "HOST:PORT; port 0 is any that is free")
      .required();
  arguments.add_option("--cert", options->cert, "certificate of this node (PEM)").required();
  arguments.add_option("--key", options->key, "its key (PEM)").required();
  arguments.add_option("--ca", options->ca,
                       "who has a certificate of this authority may read (PEM)");
  arguments.add_option("--token-file", options->token_file,
                       "who has the token in this file, which nobody else may read, may read");
  return [options](Context& context) { return serve(*options, context); };
}

}  // namespace

constinit const Command kStoreServe = {
    .path = "store serve",
    .summary = "Let other nodes read this store, over HTTPS",
    .details =
        R"(Runs until SIGTERM or SIGINT. Sealed checkpoints, packs and wrapped keys can be read, nothing can
be changed. With both --ca and --token-file, a reader needs both.

Example:
  reprise store serve --listen 0.0.0.0:7433 --cert node.crt --key node.key --ca ca.crt)",
    .configure = configure,
};

}  // namespace reprise::cli
