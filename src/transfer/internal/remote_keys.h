// SPDX-License-Identifier: Apache-2.0
//
// The keys of checkpoints that lie elsewhere. Several stores may push to one place, each with keys
// of its own: they lie there wrapped, each store's in an object that is named after its secret.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "remote/object_store.h"
#include "store/open_store.h"

namespace reprise::transfer {

using base::Result;

// "keys/default.ID.json". Older versions put, and read, "keys/default.json" alone.
std::string remote_key(const store::OpenStore& store, const std::string& secret_id);

// Which keys sealed a checkpoint, as the text of its file says; nothing of it is proven. Empty if
// it is damaged.
std::string key_of_checkpoint(std::string_view file);

// The wrapped keys with that secret, whose they are, and the object that they lie in. Those are
// looked for whose checkpoints the store may read (store/tenants.h), by a list of what is there
// where that is everybody. kNotFound if they are not there.
struct RemoteKeyFile {
  std::string name;
  std::string tenant;
  std::string text;
};
Result<RemoteKeyFile> find_key_file(const store::OpenStore& store, remote::ObjectStore& at,
                                    const std::string& secret_id);

// Puts the store's wrapped keys there, unless they are.
Result<void> put_remote_key(const store::OpenStore& store, remote::ObjectStore& to);

// Fetches keys when they are needed, each once. Not for several threads.
class RemoteKeys {
 public:
  RemoteKeys(const store::OpenStore& store, remote::ObjectStore& from)
      : store_(store), from_(from) {}

  // Those that sealed `file`, the text of a checkpoint's; the store's own, if it is damaged. They
  // live as long as this object and the store. kDenied, with the remedy, if this host has nothing
  // that opens them, or they are not there.
  Result<const crypto::TenantKeys*> of(std::string_view file);

 private:
  Result<crypto::TenantKeys> fetch(const std::string& id);

  const store::OpenStore& store_;
  remote::ObjectStore& from_;
  std::map<std::string, Result<crypto::TenantKeys>> known_;
};

}  // namespace reprise::transfer
