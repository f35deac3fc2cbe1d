// SPDX-License-Identifier: Apache-2.0
//
// What a container that is created is to go on from, told by the catalog and by the note in its
// bundle together. "Not known" is an error here, never "nothing".
#pragma once

#include <optional>

#include "base/result.h"
#include "catalog/catalog.h"
#include "runtime/restore_attempt.h"
#include "store/open_catalog.h"

namespace reprise::runtime {

// nullopt: there is no store, and nothing to go on from. Makes none. An error, with a hint, if the
// container has a checkpoint in a store that is not there, or if the catalog cannot be opened.
base::Result<std::optional<catalog::Catalog>> open_catalog(const Call& call,
                                                           const Creation& creation);

// Before the claim; the container's lock is ours. After success the catalog's answer counts: it is
// the store of which the note tells, and a session that was cut off is settled; or there is no
// note. Whether somebody wanted a cold start. kNotFound, with a hint, if the catalog does not know
// of the note's checkpoint.
base::Result<bool> heed_note(const Call& call, const Creation& creation, catalog::Catalog& catalog);

// Where there is nothing to claim: kGone, with a hint, if the container was made to go on from a
// checkpoint, has never run, and whoever made it was cut off before the catalog knew.
base::Result<void> check_made_whole(const Creation& creation, catalog::Catalog& catalog);

// A cold start: nothing older is gone on from any more, whatever a store may say that is not there
// now. `claims` may be null.
base::Result<void> begin_anew(const Creation& creation, catalog::Claims* claims);

}  // namespace reprise::runtime
