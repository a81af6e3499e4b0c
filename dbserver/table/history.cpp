#include "dbserver/table/history.hpp"

#include <charconv>
#include <deque>
#include <unordered_map>
#include <unordered_set>

namespace stadion::dbserver {
namespace {

wire::error unreadable(std::uint64_t after) {
    return wire::make_error(wire::status::data_loss,
                            "the history cannot be read after sequence " + std::to_string(after));
}

std::string_view take_line(std::string_view& lines) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    const std::string_view one = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 1, lines.size()));
    return one;
}

// The lines, and the readers that own what the lines point to.
struct parsed_lines {
    std::deque<json_reader> readers;
    std::vector<line> lines;
};

bool parse(std::string_view text, parsed_lines& into) {
    while (!text.empty())
        if (!read_line(into.readers.emplace_back(take_line(text)), into.lines.emplace_back())) return false;
    return true;
}

// Maps each undone commit to the reversal that undoes it. A reversal follows what it undoes. So, from the
// newest line backwards, it is already known whether a reversal is itself undone.
std::unordered_map<std::uint64_t, std::uint64_t> undone_by(const std::vector<line>& lines) {
    std::unordered_map<std::uint64_t, std::uint64_t> undone;
    for (auto at = lines.rbegin(); at != lines.rend(); ++at)
        if (at->op.kind == operation_kind::reversal && !undone.contains(at->sequence))
            undone.emplace(at->op.reverses, at->sequence);
    return undone;
}

} // namespace

std::uint64_t sequence_of_line(std::string_view line) noexcept {
    constexpr std::string_view begin = R"({"sequence":)";
    std::uint64_t sequence = 0;
    if (line.starts_with(begin))
        std::from_chars(line.data() + begin.size(), line.data() + line.size(), sequence);
    return sequence;
}

void for_each_line(std::string_view lines, const std::function<void(std::string_view, std::uint64_t)>& show) {
    while (!lines.empty()) {
        const std::size_t size = std::min(lines.find('\n'), lines.size() - 1) + 1;
        show(lines.substr(0, size), sequence_of_line(lines));
        lines.remove_prefix(size);
    }
}

bool has_line_of(std::string_view lines, std::uint64_t sequence) {
    const std::string begin = R"({"sequence":)" + std::to_string(sequence) + ",";
    return lines.starts_with(begin) || lines.find("\n" + begin) != std::string_view::npos;
}

std::shared_ptr<state> next_state(const line& one, const limits& within, const state* before) {
    std::shared_ptr<state> next;
    if (one.op.kind == operation_kind::reversal) {
        next = state_from_json(one.op.becomes);
        if (!next) return nullptr;
    } else {
        next = std::make_shared<state>(before ? before->value() : empty_value(one.op.prefix, one.op.name));
        if (apply(one.op, within, next->draft())) return nullptr;
    }
    next->stamp(one.sequence, one.version, one.at_us);
    return next;
}

wire::result<void> replay(std::string_view lines, const limits& within,
                          const std::function<bool(const line&, const std::shared_ptr<state>&)>& visit) {
    std::shared_ptr<state> now;
    std::uint64_t last = 0;
    while (!lines.empty()) {
        json_reader in(take_line(lines));
        line one;
        if (!read_line(in, one)) return unreadable(last);
        now = next_state(one, within, now.get());
        if (!now) return unreadable(last);
        last = one.sequence;
        if (!visit(one, now)) break;
    }
    return {};
}

wire::result<std::vector<change>> changes_of(std::string_view lines, const limits& within,
                                             std::uint32_t after_version, std::uint64_t up_to_sequence,
                                             std::size_t limit) {
    std::vector<change> changes;
    std::vector<line> reversals;
    const auto played = replay(lines, within, [&](const line& one, const std::shared_ptr<state>& made) {
        if (one.sequence > up_to_sequence) return false;
        if (one.op.kind == operation_kind::reversal) {
            line& kept = reversals.emplace_back();
            kept.sequence = one.sequence;
            kept.op.kind = operation_kind::reversal;
            kept.op.reverses = one.op.reverses;
        }
        if (one.version <= after_version || changes.size() >= limit) return true;
        change& next = changes.emplace_back();
        next.sequence = one.sequence;
        next.version = one.version;
        next.at_us = one.at_us;
        next.operation = operation_name(one.op.kind);
        next.details = details_of(one.op);
        next.reverses = one.op.reverses;
        next.reason = one.op.reason;
        next.state = made;
        return true;
    });
    if (!played) return played.error();
    const auto undone = undone_by(reversals);
    for (change& one : changes)
        if (const auto at = undone.find(one.sequence); at != undone.end()) one.reversed_by = at->second;
    return changes;
}

wire::result<state_ptr> state_at(std::string_view lines, const limits& within, std::int64_t at_us,
                                 std::uint64_t up_to_sequence) {
    state_ptr found;
    const auto played = replay(lines, within, [&](const line& one, const std::shared_ptr<state>& made) {
        if (one.at_us > at_us || one.sequence > up_to_sequence) return false;
        found = made;
        return true;
    });
    if (!played) return played.error();
    return found;
}

wire::result<table_value> without(std::string_view lines, const limits& within, std::uint64_t sequence) {
    parsed_lines past;
    if (!parse(lines, past)) return unreadable(0);
    const auto target = std::find_if(past.lines.begin(), past.lines.end(),
                                     [&](const line& one) { return one.sequence == sequence; });
    if (target == past.lines.end())
        return wire::make_error(wire::status::not_found,
                                "no update has the sequence " + std::to_string(sequence));
    if (const auto undone = undone_by(past.lines); undone.contains(sequence))
        return wire::make_error(wire::status::failed_precondition, "update " + std::to_string(sequence) +
                                                                       " was undone already by " +
                                                                       std::to_string(undone.at(sequence)));
    line& reversal = past.lines.emplace_back();
    reversal.sequence = UINT64_MAX;
    reversal.op.kind = operation_kind::reversal;
    reversal.op.reverses = sequence;

    const auto undone = undone_by(past.lines);
    table_value value = empty_value(past.lines.front().op.prefix, past.lines.front().op.name);
    for (const line& one : past.lines) {
        if (one.op.kind == operation_kind::reversal || undone.contains(one.sequence)) continue;
        if (auto failure = apply(one.op, within, value)) {
            failure->message = "update " + std::to_string(sequence) + " cannot be undone: then at update " +
                               std::to_string(one.sequence) + " " + failure->message;
            failure->code = wire::status::failed_precondition;
            return *failure;
        }
    }
    return value;
}

} // namespace stadion::dbserver
