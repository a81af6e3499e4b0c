#include "dbserver/checkpoint.hpp"

#include "dbserver/crc32c.hpp"
#include "dbserver/json_text.hpp"
#include "dbserver/planted_bug.hpp"
#include "dbserver/state_json.hpp"

#include <algorithm>

namespace stadion::dbserver {
namespace {

constexpr std::int64_t key_file_us_max = 3'600'000'000; // an hour's keys go together

class members {
public:
    explicit members(std::string& to) : to_(to) {}
    ~members() { to_ += "}\n"; }
    members(const members&) = delete;
    members& operator=(const members&) = delete;

    void number(std::string_view key, std::uint64_t value) { append_json_number(name(key), value); }
    void text(std::string_view key, std::string_view value) { append_json_string(name(key), value); }
    void checksum(std::string_view key, std::uint32_t crc) { text(key, hexadecimal(crc, 8)); }

private:
    std::string& name(std::string_view key) {
        to_ += first_ ? '{' : ',';
        first_ = false;
        append_json_string(to_, key);
        return to_ += ':';
    }
    std::string& to_;
    bool first_ = true;
};

void append_table(std::string& text, const std::string& name, const saved_table& one) {
    members out(text);
    out.text("table", name);
    out.number("sequence", one.sequence);
    out.number("version", one.version);
    out.number("checkpoint", one.checkpoint);
    out.number("bytes", one.bytes);
    out.checksum("crc32c", one.crc);
    out.number("history_bytes", one.history_bytes);
    out.checksum("history_crc32c", one.history_crc);
    out.number("history_last", one.history_last);
}

void append_keys(std::string& text, const saved_keys& one) {
    members out(text);
    out.number("keys", one.number);
    out.number("bytes", one.bytes);
    out.checksum("crc32c", one.crc);
    out.number("oldest", static_cast<std::uint64_t>(one.oldest_us));
    out.number("newest", static_cast<std::uint64_t>(one.newest_us));
}

// Every line is one flat object of numbers and texts.
using fields = std::map<std::string, std::string, std::less<>>;

bool read_fields(std::string_view line, fields& into) {
    json_reader in(line);
    in.begin_object();
    for (std::string_view key; in.next_key(key);) {
        const std::string_view raw = in.raw_value();
        json_reader value(raw);
        into[std::string(key)] = raw.starts_with('"') ? value.string() : raw;
    }
    return in.ok() && in.at_end();
}

template <typename Number>
Number number_of(const fields& from, std::string_view key) {
    const auto at = from.find(key);
    if (at == from.end()) return 0;
    json_reader in(at->second);
    return in.integer<Number>();
}

std::uint32_t checksum_of(const fields& from, std::string_view key) {
    std::uint64_t number = 0;
    const auto at = from.find(key);
    if (at != from.end()) parse_hexadecimal(at->second, number);
    return static_cast<std::uint32_t>(number);
}

void take_fields(const fields& from, manifest& into) {
    if (const auto name = from.find("table"); name != from.end()) {
        saved_table& one = into.tables[name->second];
        one.sequence = number_of<std::uint64_t>(from, "sequence");
        one.version = number_of<std::uint32_t>(from, "version");
        one.checkpoint = number_of<std::uint64_t>(from, "checkpoint");
        one.bytes = number_of<std::uint64_t>(from, "bytes");
        one.crc = checksum_of(from, "crc32c");
        one.history_bytes = number_of<std::uint64_t>(from, "history_bytes");
        one.history_crc = checksum_of(from, "history_crc32c");
        one.history_last = number_of<std::uint64_t>(from, "history_last");
    } else if (from.contains("keys")) {
        saved_keys& one = into.keys.emplace_back();
        one.number = number_of<std::uint64_t>(from, "keys");
        one.bytes = number_of<std::uint64_t>(from, "bytes");
        one.crc = checksum_of(from, "crc32c");
        one.oldest_us = number_of<std::int64_t>(from, "oldest");
        one.newest_us = number_of<std::int64_t>(from, "newest");
    } else {
        into.number = number_of<std::uint64_t>(from, "checkpoint");
        into.through = number_of<std::uint64_t>(from, "through");
        into.at_us = number_of<std::int64_t>(from, "at");
        into.first_segment = number_of<std::uint64_t>(from, "first_segment");
        into.frozen_since = number_of<std::uint64_t>(from, "frozen_since");
        into.frozen_at_us = number_of<std::int64_t>(from, "frozen_at");
    }
}

} // namespace

std::string to_text(const manifest& what) {
    std::string text;
    {
        members out(text);
        out.number("checkpoint", what.number);
        out.number("through", what.through);
        out.number("at", static_cast<std::uint64_t>(what.at_us));
        out.number("first_segment", what.first_segment);
        out.number("frozen_since", what.frozen_since);
        if (what.frozen_since != 0) out.number("frozen_at", static_cast<std::uint64_t>(what.frozen_at_us));
    }
    for (const auto& [name, one] : what.tables) append_table(text, name, one);
    for (const saved_keys& one : what.keys) append_keys(text, one);
    const std::uint32_t crc = crc32c(text);
    members(text).checksum("crc32c", crc);
    return text;
}

bool from_text(std::string_view text, manifest& into) {
    into = {};
    if (text.size() < 2 || !text.ends_with('\n')) return false;
    const std::size_t last = text.rfind('\n', text.size() - 2) + 1;
    std::string expected;
    members(expected).checksum("crc32c", crc32c(text.substr(0, last)));
    if (text.substr(last) != expected) return false;
    for (std::string_view rest = text.substr(0, last); !rest.empty();) {
        const std::size_t end = rest.find('\n');
        fields line;
        if (!read_fields(rest.substr(0, end), line)) return false;
        take_fields(line, into);
        rest.remove_prefix(end + 1);
    }
    return true;
}

std::string checkpoints::beside(const layout& where, std::string_view table, std::uint64_t checkpoint) {
    return table_beside(where.table(table), checkpoint);
}

std::error_code checkpoints::save(const checkpoint_to_save& what, std::string& failed_file) {
    failed_file = where_.root;
    if (!certain_)
        if (const auto failure = files_.sync_directory(where_.root)) return failure;
    manifest next = in_force_;
    next.number = last_number_ = std::max(last_number_, in_force_.number) + 1;
    next.through = what.through;
    next.at_us = what.at_us;
    next.first_segment = what.first_segment;
    next.frozen_since = planted(bug::forgets_freeze) ? 0 : what.frozen_since;
    next.frozen_at_us = what.frozen_at_us;
    std::vector<std::string> outdated = std::exchange(beside_, {});
    const std::string fresh = stadion::dbserver::beside(where_.checkpoint());
    std::error_code failure = write_files(what, next, failed_file);
    if (!failure) failed_file = where_.checkpoint(), failure = write_new(files_, fresh, to_text(next));
    if (failure) {
        remove_all(beside_); // no checkpoint names them
        beside_ = std::move(outdated);
        return failure;
    }

    for (const saved_keys& one : in_force_.keys)
        if (std::none_of(next.keys.begin(), next.keys.end(),
                         [&](const saved_keys& kept) { return kept.number == one.number; }))
            outdated.push_back(where_.key_file(one.number));
    outdated_.insert(outdated_.end(), outdated.begin(), outdated.end());
    if (!planted(bug::goes_back_to_a_checkpoint)) in_force_ = next, certain_ = false;
    if ((failure = files_.rename(fresh, where_.checkpoint()))) return failure;
    if ((failure = files_.sync_directory(where_.root))) return failure;
    in_force_ = std::move(next);
    certain_ = true;
    remove_all(outdated_);
    return put_in_place(what, failed_file);
}

std::error_code checkpoints::write_files(const checkpoint_to_save& what, manifest& next,
                                         std::string& failed_file) {
    held_.clear();
    for (const table_to_save& one : what.tables)
        if (const auto failure = write_table(one, next, failed_file)) return failure;
    if (const auto failure = write_keys(what, next, failed_file)) return failure;
    if (const auto failure = sync_held(failed_file)) return failure;
    if (const auto failure = sync_directories(failed_file)) return failure;
    if (planted(bug::renames_before_manifest))
        for (const table_to_save& one : what.tables)
            files_.rename(beside(where_, one.name, next.number), where_.table(one.name));
    return {};
}

std::error_code checkpoints::write_table(const table_to_save& what, manifest& next,
                                         std::string& failed_file) {
    saved_table& one = next.tables[what.name];
    if (!what.history.empty())
        if (const auto failure = grow(where_.history(what.name), one.history_bytes, one.history_crc,
                                      what.history, failed_file))
            return failure;
    const std::string text = to_json(*what.snapshot, json_layout::pretty);
    one.bytes = 0;
    one.crc = 0;
    const std::string path = beside(where_, what.name, next.number);
    beside_.push_back(path);
    if (const auto failure = grow(path, one.bytes, one.crc, text, failed_file)) return failure;
    rest_();
    one.sequence = what.snapshot->sequence();
    one.version = what.snapshot->version();
    one.checkpoint = next.number;
    one.history_last = one.sequence;
    return {};
}

// Writes behind the first `bytes` of the file, and cuts off what else was there.
std::error_code checkpoints::grow(const std::string& path, std::uint64_t& bytes, std::uint32_t& crc,
                                  std::string_view by, std::string& failed_file) {
    failed_file = path;
    std::unique_ptr<file> to;
    if (const auto failure = files_.open(path, open_mode::create, to)) return failure;
    if (const auto failure = to->truncate(bytes)) return failure;
    if (const auto failure = write_all(*to, bytes, by)) return failure;
    bytes += by.size();
    crc = crc32c_extend(crc, by);
    return hold_to_sync(path, std::move(to), failed_file);
}

// Syncing one file after the other makes the file system commit its own journal for each; started together,
// they share. Measured: 256 files in half the time.
std::error_code checkpoints::hold_to_sync(std::string path, std::unique_ptr<file> written,
                                          std::string& failed_file) {
    constexpr std::size_t held_max = 128;
    held_.emplace_back(std::move(path), std::move(written));
    return held_.size() < held_max ? std::error_code{} : sync_held(failed_file);
}

std::error_code checkpoints::sync_held(std::string& failed_file) {
    for (const auto& [path, written] : held_) written->start_sync();
    for (const auto& [path, written] : held_) {
        failed_file = path;
        if (const auto failure = written->sync()) return failure;
        rest_();
    }
    held_.clear();
    return {};
}

std::error_code checkpoints::write_keys(const checkpoint_to_save& what, manifest& next,
                                        std::string& failed_file) {
    const std::uint64_t last = next.keys.empty() ? 0 : next.keys.back().number;
    std::erase_if(next.keys,
                  [&](const saved_keys& one) { return one.newest_us + keys_kept_us_ <= what.now_us; });
    if (what.keys.empty() || planted(bug::loses_keys_at_checkpoint)) return {};
    if (next.keys.empty() || next.keys.back().bytes >= key_file_bytes_ ||
        next.keys.back().oldest_us + key_file_us_max <= what.newest_key_us) {
        saved_keys& fresh = next.keys.emplace_back();
        fresh.number = last + 1;
        fresh.oldest_us = what.oldest_key_us;
    }
    saved_keys& one = next.keys.back();
    one.newest_us = std::max(one.newest_us, what.newest_key_us);
    return grow(where_.key_file(one.number), one.bytes, one.crc, what.keys, failed_file);
}

std::error_code checkpoints::sync_directories(std::string& failed_file) {
    if (planted(bug::no_directory_sync)) return {};
    for (const std::string& path :
         {where_.tables() + "/games", where_.tables() + "/teams", where_.histories() + "/games",
          where_.histories() + "/teams", where_.keys()}) {
        failed_file = path;
        if (const auto failure = files_.sync_directory(path)) return failure;
    }
    return {};
}

// A file that cannot be renamed stays beside its place, where opening finds it.
std::error_code checkpoints::put_in_place(const checkpoint_to_save& what, std::string& failed_file) {
    if (planted(bug::renames_before_manifest)) return sync_directories(failed_file);
    std::error_code first;
    for (const table_to_save& one : what.tables) {
        const std::string from = beside(where_, one.name, in_force_.number);
        const auto failure = files_.rename(from, where_.table(one.name));
        if (failure && !first) first = failure, failed_file = from;
        rest_();
    }
    if (first) return first;
    beside_.clear();
    return sync_directories(failed_file);
}

void checkpoints::remove_all(std::vector<std::string>& paths) {
    for (const std::string& path : paths) files_.remove(path);
    paths.clear();
}

} // namespace stadion::dbserver
