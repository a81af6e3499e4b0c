// Older formats of the data directory.
//
// Format 1 is table files and nothing else: no journal, no checkpoint, no history; a person can write one. It
// is brought to the current format in a directory of its own beside the old one, and the two change places in
// one step, so that at any moment there is a whole directory under the name. The old one stays as
// DIR.format1.
#include "dbserver/engine/opening.hpp"

#include "dbserver/table/operation.hpp"
#include "dbserver/table/state_json.hpp"

#include <algorithm>

namespace stadion::dbserver {
namespace {

void remove_tree(files& on, const std::string& path) {
    std::vector<std::string> names;
    if (!on.list(path, names))
        for (const std::string& name : names) remove_tree(on, path + "/" + name);
    on.remove(path);
}

} // namespace

void opening::migrate(unsigned from) {
    const layout fresh{where_.root + ".migrating"};
    checkpoint_to_save what;
    what.now_us = store_.now_us();
    for (const char* kind : {"/games", "/teams"}) {
        std::vector<std::string> names;
        if (files_.list(where_.tables() + kind, names)) continue;
        for (const std::string& name : names) {
            if (!name.ends_with(".json")) continue;
            const std::string path = where_.tables() + kind + "/" + name;
            std::string text;
            must(read_all(files_, path, text), "cannot read " + path);
            const auto read = state_from_json(text);
            if (!read || !where_.table(read->table()).starts_with(where_.tables() + kind)) {
                note({path, 0, {}, "is not a table of this kind"});
                continue;
            }
            what.through = std::max(what.through + 1, read->sequence());
            read->stamp(read->sequence() ? read->sequence() : what.through, std::max(1u, read->version()),
                        read->updated_at_us() ? read->updated_at_us() : what.now_us);
            what.tables.push_back({read->table(), read, line_of_state(*read)});
            what.commits.push_back({read->sequence(), table_number(read->table())});
            what.at_us = std::max(what.at_us, read->updated_at_us());
        }
    }
    stop_at_damage();

    remove_tree(files_, fresh.root);
    for (const std::string& path :
         {fresh.root, fresh.tables(), fresh.tables() + "/games", fresh.tables() + "/teams", fresh.histories(),
          fresh.histories() + "/games", fresh.histories() + "/teams", fresh.keys(), fresh.index(),
          fresh.journal()})
        must(files_.make_directory(path), "cannot make " + path);
    for (const std::string& path : {fresh.tables(), fresh.histories()})
        must(files_.sync_directory(path), "cannot sync " + path);
    must(write_new(files_, fresh.format(), std::to_string(format_number) + "\n" + store_.how_.program + "\n"),
         "cannot write " + fresh.format());
    std::unique_ptr<file> lock;
    must(files_.open(fresh.lock(), open_mode::create, lock), "cannot open " + fresh.lock());
    must(lock->try_lock(), "cannot lock " + fresh.lock());
    std::string failed_file;
    must(checkpoints(files_, fresh, 0, 1).save(what, failed_file), "cannot write " + failed_file);
    must(files_.sync_directory(fresh.root), "cannot sync " + fresh.root);

    must(files_.exchange(fresh.root, where_.root),
         "cannot put " + fresh.root + " in the place of " + where_.root);
    must(files_.sync_directory(directory_of(where_.root)), "cannot sync " + directory_of(where_.root));
    store_.lock_file_ = std::move(lock);
    const std::string old = where_.root + ".format" + std::to_string(from);
    must(files_.rename(fresh.root, old), "cannot rename " + fresh.root);
    store_.warn("the data was brought from format " + std::to_string(from) + " to " +
                std::to_string(format_number) + "; as it was it is in " + old);
}

} // namespace stadion::dbserver
