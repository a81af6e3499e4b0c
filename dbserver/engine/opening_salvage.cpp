// Opening a damaged directory when told to keep what can be read.
//
// Nothing that is damaged is thrown away: it is copied beside itself as .broken first. Of each table the
// newest state that proves itself is kept; where its history is gone, the history begins anew with that
// state. At the end a whole checkpoint is made, and the journal begins with a new segment.
#include "dbserver/engine/opening.hpp"

#include "dbserver/table/history.hpp"
#include "dbserver/table/state_json.hpp"

#include <algorithm>

namespace stadion::dbserver {

void opening::set_aside(const damage& found) {
    store_.warn("salvaged: " + describe(found, where_.root));
    std::string text;
    if (read_all(files_, found.file, text)) return;
    must(write_new(files_, found.file + ".broken", text), "cannot write " + found.file + ".broken");
    must(files_.sync_directory(directory_of(found.file)), "cannot sync " + directory_of(found.file));
}

// In the order of trust: the history that proves itself; the file, if it is still a state of this table.
void opening::salvage_table(const std::string& name, const saved_table& saved) {
    std::string text;
    std::shared_ptr<state> kept;
    if (saved.history_bytes > 0 &&
        read_matching(history_path(name), saved.history_bytes, saved.history_crc, text)) {
        const auto played =
            replay(text, store_.options().within, [&](const line&, const std::shared_ptr<state>& made) {
                kept = made;
                return true;
            });
        if (!played) kept.reset();
    }
    const bool has_history = kept != nullptr;
    if (!kept && !read_all(files_, table_path(name), text)) kept = state_from_json(text);
    if (!kept || kept->table() != name) {
        store_.warn("salvaged: " + name + " is lost but for what the journal has of it");
        return;
    }
    table& in = store_.restore(kept);
    store_.begin_history_anew(in);
    if (!has_history) return;
    if (former_) return store_.write_anew(in, text);
    note_commits(in, text);
    in.recent = {};
    in.archive_bytes = saved.history_bytes;
    in.archive_crc = saved.history_crc;
    in.archive_last = saved.history_last;
}

// Without a checkpoint every table file speaks for itself.
void opening::salvage_all_tables() {
    for (const char* kind : {"/games", "/teams"}) {
        std::vector<std::string> names;
        must(files_.list(where_.tables() + kind, names), "cannot read " + where_.tables() + kind);
        for (const std::string& name : names) {
            if (!name.ends_with(".json")) continue;
            const std::string path = where_.tables() + kind + "/" + name;
            std::string text;
            must(read_all(files_, path, text), "cannot read " + path);
            const auto kept = state_from_json(text);
            if (!kept ||
                (where_.table(kept->table()) != path && where_.former_table(kept->table()) != path)) {
                set_aside({path, 0, {}, "is not the table that its name says"});
                continue;
            }
            store_.begin_history_anew(store_.restore(kept));
            manifest_.through = std::max(manifest_.through, kept->sequence());
        }
    }
}

void opening::salvage_journal() {
    store_.restore_sequence(manifest_.through);
    std::vector<damage> passed_over;
    recovery_request what{manifest_.first_segment, checkpoint_lost_ ? 0 : manifest_.through, true};
    const auto visit = [this](const record& one) { return store_.replay_line(one.line, true); };
    auto read = read_journal(files_, where_, what, visit, passed_over);
    if (const damage* found = std::get_if<damage>(&read)) throw store_damaged({*found}, where_.root);
    for (const damage& found : passed_over) set_aside(found);
    const journal_end& end = std::get<journal_end>(read);
    if (end.torn)
        set_aside({where_.segment(end.position.segment),
                   end.position.offset,
                   {},
                   "the last write was not finished before a crash, and was never acknowledged"});

    // All tables go into the checkpoint that follows; histories that began anew replace those that were.
    store_.tables().visit({}, {}, [&](table& in) {
        if (const auto saved = manifest_.tables.find(in.name);
            saved != manifest_.tables.end() && in.archive_bytes == 0) {
            saved->second.history_bytes = 0;
            saved->second.history_crc = 0;
            saved->second.history_last = 0;
        }
        return true;
    });
    std::erase_if(manifest_.tables, [&](const auto& saved) { return !store_.tables().find(saved.first); });
    std::erase_if(manifest_.keys, [&](const saved_keys& one) {
        std::string text;
        const std::string path =
            one.is_text ? where_.former_key_file(one.number) : where_.key_file(one.number);
        return !read_matching(path, one.bytes, one.crc, text);
    });

    journal_position from;
    from.segment = manifest_.first_segment;
    std::vector<std::string> names;
    must(files_.list(where_.journal(), names), "cannot read " + where_.journal());
    for (const std::string& name : names)
        if (const auto number = file_number(name, ".log")) from.segment = std::max(from.segment, *number);
    ++from.segment;
    from.batch = end.position.batch;
    from.sequence = store_.sequence();
    store_.checkpoints_->begin(std::move(manifest_));
    must(store_.journal_->begin(from, {}), "cannot open the journal in " + where_.journal());
    std::string failure;
    if (store_.journal_->append_control(R"({"journal":"salvaged"})", failure) != journal::written::durable)
        throw store_unavailable(failure);
    name_opening();
    if (!store_.checkpoint_now()) throw store_unavailable("cannot write what was salvaged to " + where_.root);
    for (const std::string& name : names)
        if (file_number(name, ".log")) files_.remove(where_.journal() + "/" + name);
}

} // namespace stadion::dbserver
