// Opening a directory of format 1.
//
// Format 1 has table files only: no journal, no checkpoint, no history. A person can write one. The data is
// converted in a new directory beside the old one, and the two are exchanged atomically. So there is a
// complete directory under the name at any moment. The old one is kept as DIR.format1.
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
            throw_if(read_all(files_, path, text), "cannot read " + path);
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
        throw_if(files_.make_directory(path), "cannot make " + path);
    for (const std::string& path : {fresh.tables(), fresh.histories()})
        throw_if(files_.sync_directory(path), "cannot sync " + path);
    throw_if(
        write_new(files_, fresh.format(), std::to_string(format_number) + "\n" + settings_.program + "\n"),
        "cannot write " + fresh.format());
    std::unique_ptr<file> lock;
    throw_if(files_.open(fresh.lock(), open_mode::create, lock), "cannot open " + fresh.lock());
    throw_if(lock->try_lock(), "cannot lock " + fresh.lock());
    std::string failed_file;
    throw_if(checkpoints(files_, fresh, 0, 1).save(what, failed_file), "cannot write " + failed_file);
    throw_if(files_.sync_directory(fresh.root), "cannot sync " + fresh.root);

    throw_if(files_.exchange(fresh.root, where_.root),
             "cannot put " + fresh.root + " in the place of " + where_.root);
    throw_if(files_.sync_directory(directory_of(where_.root)), "cannot sync " + directory_of(where_.root));
    opened_.lock = std::move(lock);
    const std::string old = where_.root + ".format" + std::to_string(from);
    throw_if(files_.rename(fresh.root, old), "cannot rename " + fresh.root);
    store_.warn("the data was brought from format " + std::to_string(from) + " to " +
                std::to_string(format_number) + "; as it was it is in " + old);
}

} // namespace stadion::dbserver
