// SPDX-License-Identifier: Apache-2.0
#include "config/config.h"
#include "crypto/secret_text.h"

namespace reprise::config {

Result<remote::RemoteConfig> access_of(const Remote& remote) {
  remote::RemoteConfig access = remote.access;
  const std::string step = "reading a secret of the remote '" + remote.name + "'";
  if (!remote.secret_key_file.empty())
    access.secret_key = REPRISE_TRY(crypto::read_secret_file(remote.secret_key_file), step);
  if (!remote.session_token_file.empty())
    access.session_token = REPRISE_TRY(crypto::read_secret_file(remote.session_token_file), step);
  if (!remote.token_file.empty())
    access.token = REPRISE_TRY(crypto::read_secret_file(remote.token_file), step);
  return access;
}

}  // namespace reprise::config
