// Opening a damaged directory with --salvage, which keeps what can be read.
//
// A damaged file is first copied to FILE.broken. Of each table the newest valid state is kept. Where its
// history is lost, the history begins anew with that state. At the end a checkpoint of everything is made,
// and the journal begins with a new segment.
#include "dbserver/engine/opening.hpp"

#include "dbserver/table/history.hpp"
#include "dbserver/table/state_json.hpp"

#include <algorithm>

namespace stadion::dbserver {

void opening::set_aside(const damage& found) {
    store_.warn("salvaged: " + describe(found));
    std::string text;
    if (read_all(files_, found.file, text)) return;
    throw_if(write_new(files_, found.file + ".broken", text), "cannot write " + found.file + ".broken");
    throw_if(files_.sync_directory(directory_of(found.file)), "cannot sync " + directory_of(found.file));
}

// Prefers the history, if it matches its checksum, to the table file, if that still holds a state of this
// table.
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
    store_.restart_history(in);
    if (!has_history) return;
    if (is_former_) return store_.rewrite_history(in, text);
    note_commits(in, text);
    in.recent = {};
    in.archive_bytes = saved.history_bytes;
    in.archive_crc = saved.history_crc;
}

// Without a manifest the table files are taken as they are.
void opening::salvage_all_tables() {
    for (const char* kind : {"/games", "/teams"}) {
        std::vector<std::string> names;
        throw_if(files_.list(where_.tables() + kind, names), "cannot read " + where_.tables() + kind);
        for (const std::string& name : names) {
            if (!name.ends_with(".json")) continue;
            const std::string path = where_.tables() + kind + "/" + name;
            std::string text;
            throw_if(read_all(files_, path, text), "cannot read " + path);
            const auto kept = state_from_json(text);
            if (!kept ||
                (where_.table(kept->table()) != path && where_.former_table(kept->table()) != path)) {
                set_aside({path, 0, {}, "is not the table that its name says"});
                continue;
            }
            store_.restart_history(store_.restore(kept));
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

    // The next checkpoint writes all tables. Histories that began anew replace the old ones.
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
    throw_if(files_.list(where_.journal(), names), "cannot read " + where_.journal());
    for (const std::string& name : names)
        if (const auto number = file_number(name, ".log")) from.segment = std::max(from.segment, *number);
    ++from.segment;
    from.batch = end.position.batch;
    from.sequence = store_.sequence();
    opened_.saved->begin(std::move(manifest_));
    throw_if(opened_.log->begin(from, {}), "cannot open the journal in " + where_.journal());
    std::string failure;
    if (opened_.log->append_control(R"({"journal":"salvaged"})", failure) != journal::written::durable)
        throw store_unavailable(failure);
    name_opening();
    old_segments_ = std::move(names);
}

void opening::end_salvage() {
    if (!store_.checkpoint_now()) throw store_unavailable("cannot write what was salvaged to " + where_.root);
    for (const std::string& name : old_segments_)
        if (file_number(name, ".log")) files_.remove(where_.journal() + "/" + name);
}

} // namespace stadion::dbserver
