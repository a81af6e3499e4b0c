// Opening a directory of format 2.
//
// Format 2 differs from format 3 in two things. Its key files hold the idempotency keys themselves. And the
// file names of long table names end in two CRCs instead of a SHA-256. The first checkpoint, which is of
// format 3, writes these tables and their histories under their new file names. Until it is in force no old
// file is changed, so that opening can be interrupted at any point. Then the old files are removed.
//
// Two table names with the same CRCs had one file, and their checkpoints overwrote each other's state. That
// is not damage. The names in the file tell which states are whose. Missing states are looked for in
// temporary files, in the answers stored with the idempotency keys, and in the journal.
#include "dbserver/engine/opening.hpp"

#include "dbserver/table/history.hpp"
#include "dbserver/table/json_text.hpp"
#include "dbserver/table/state_json.hpp"

#include <algorithm>

namespace stadion::dbserver {

void opening::find_clashes() {
    std::map<std::string, std::string> owners;
    for (const auto& [name, saved] : manifest_.tables) {
        const auto [other, is_first] = owners.emplace(where_.former_table(name), name);
        if (is_first) continue;
        clashing_[other->second] = manifest_.tables.at(other->second).sequence;
        clashing_[name] = saved.sequence;
    }
}

// In format 2 a key file has lines of JSON, each with the key itself and the answer.
void opening::read_former_keys(const saved_keys& saved) {
    const std::string path = where_.former_key_file(saved.number);
    std::string text;
    if (!read_matching(path, saved.bytes, saved.crc, text))
        return note({path, 0, {}, "is missing or does not match its checksum in " + where_.checkpoint()});
    for (std::string_view rest = text; !rest.empty();) {
        const std::size_t end = rest.find('\n');
        json_reader in(rest.substr(0, end));
        key_record record;
        in.begin_object();
        for (std::string_view member; in.next_key(member);) {
            if (member == "key")
                record.key = store_.keys().hash_of_key(in.string());
            else if (member == "hash")
                parse_hexadecimal(in.string(), record.request) ? void() : in.fail();
            else if (member == "sequence")
                record.sequence = in.integer<std::uint64_t>();
            else if (member == "at")
                record.at_us = in.integer<std::int64_t>();
            else if (member == "answer")
                note_answer(state_from_json(in.raw_value()));
            else
                in.fail();
        }
        if (!in.ok()) {
            const auto offset = static_cast<std::uint64_t>(rest.data() - text.data());
            return note({path, offset, {}, "is not a line of idempotency keys"});
        }
        store_.restore_key(record);
        store_.rewrite_key(record);
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
}

void opening::note_answer(const state_ptr& answered) {
    if (!answered || clashing_.empty() || !clashing_.contains(answered->table())) return;
    state_ptr& newest = last_answer_[answered->table()];
    if (!newest || newest->sequence() < answered->sequence()) newest = answered;
}

void opening::separate_clashes() {
    for (const auto& [name, wanted] : clashing_) separate(name, manifest_.tables.find(name)->second);
}

void opening::separate(const std::string& name, saved_table& saved) {
    std::string text;
    state_ptr known;
    std::string history;
    if (saved.history_bytes > 0 &&
        read_matching(where_.former_history(name), saved.history_bytes, saved.history_crc, text)) {
        history = text;
        const auto played =
            replay(text, store_.options().within,
                   [&](const line&, const std::shared_ptr<state>& made) { return known = made, true; });
        if (!played || (known && known->table() != name)) known = nullptr;
    }
    const auto consider = [&](const state_ptr& other) {
        if (!other || other->table() != name || (known && known->sequence() >= other->sequence())) return;
        known = other;
        history.clear();
    };
    const std::string path = where_.former_table(name);
    for (const std::string& place : {path, temporary_table_path(path, saved.checkpoint)})
        if (!read_all(files_, place, text)) consider(state_from_json(text));
    if (const auto answered = last_answer_.find(name); answered != last_answer_.end())
        consider(answered->second);

    saved.history_bytes = saved.history_crc = saved.history_last = 0;
    if (!known) return;
    table& in = store_.restore(known);
    if (history.empty())
        store_.restart_history(in);
    else
        store_.rewrite_history(in, history);
}

wire::result<void> opening::replay_record(const record& one) {
    if (clashing_.empty()) return store_.replay_line(one.line, false);
    json_reader in(one.line);
    line read;
    const bool is_clashing =
        read_line(in, read) && clashing_.contains(std::string(read.op.prefix) + std::string(read.op.name));
    if (one.sequence > manifest_.through) return store_.replay_line(one.line, is_clashing);
    if (is_clashing) store_.replay_earlier_line(one.line);
    return {};
}

void opening::end_migration() {
    for (const auto& [name, wanted] : clashing_) {
        const table* in = store_.tables().find(name);
        const std::uint64_t sequence = in && in->published ? in->published->sequence() : 0;
        store_.warn(name + " had its file in common with another name in format 2; " +
                    (sequence >= wanted ? "it was told apart"
                                        : "of it only the state of commit " + std::to_string(sequence) +
                                              " is left, not that of " + std::to_string(wanted)));
    }
    if (!store_.checkpoint_now())
        throw store_unavailable("cannot bring " + where_.root + " to its new format");
    remove_former_files(store_.checkpoints_->in_force().index);
    store_.warn("the data was brought from format 2 to " + std::to_string(format_number));
}

void opening::remove_former_files(const std::vector<saved_index>& index) {
    for (const std::string& folder : {where_.tables() + "/games", where_.tables() + "/teams",
                                      where_.histories() + "/games", where_.histories() + "/teams"}) {
        std::vector<std::string> names;
        if (files_.list(folder, names)) continue;
        for (const std::string& name : names)
            if (is_former_file_name(name)) files_.remove(folder + "/" + name);
    }
    std::vector<std::string> names;
    if (files_.list(where_.index(), names)) return;
    for (const std::string& name : names)
        if (const auto number = file_number(name, ".commits");
            number && std::none_of(index.begin(), index.end(),
                                   [&](const saved_index& one) { return one.number == *number; }))
            files_.remove(where_.index() + "/" + name);
}

} // namespace stadion::dbserver
