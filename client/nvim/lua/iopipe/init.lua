-- The plugin: a list of what is pending, with keys to look, decide, apply and undo.
-- Owns the list's buffer. What is shown comes from the daemon each time; the daemon decides what may be done.
local connection = require("iopipe.connection")
local follow = require("iopipe.follow")
local M = {}

local workspace -- where the list is of
local list -- its buffer
local targets = {} -- its rows
local KEYS = "<CR> diff  a approve  r reject  A apply  U undo  R refresh  q close"

local function say(text, level) vim.notify("iopipe: " .. text, level or vim.log.levels.INFO) end

-- Calls a method; an error is told, with the next step.
local function call(method, params, done)
  connection.call(method, params, function(failure, result)
    if not failure then return done(result) end
    say(failure.message .. (failure.data and " " .. failure.data.hint or ""), vim.log.levels.ERROR)
  end)
end

local function show(buffer, lines)
  vim.bo[buffer].modifiable = true
  vim.api.nvim_buf_set_lines(buffer, 0, -1, false, lines)
  vim.bo[buffer].modifiable = false
end

local function patch_line(patch)
  local from = patch.from and patch.from .. " -> " or ""
  local state = patch.reason or patch.decision
  return ("  %s  %s%s  +%d -%d  %s"):format(patch.kind, from, patch.path, patch.added, patch.removed, state)
end

local function is_open(patch) return patch.state == "Pending" or patch.reason == "stale" end

local function session_line(session)
  local said = session.ready and "  ready" or ""
  for _, verdict in ipairs(session.verdicts or {}) do
    said = ("%s  [%s %s]"):format(said, verdict.check or verdict.command[1], verdict.void and "void" or verdict.outcome)
  end
  return ("%s  %d pending%s  %s"):format(session.id:sub(1, 10), session.patches.pending, said, session.title)
end

-- The sessions' rows, one session after the other: { text, session, patch }.
local function collect(sessions, rows, done)
  local next_one = table.remove(sessions, 1)
  if not next_one then return done(rows) end
  if next_one.patches.pending + next_one.patches.stale == 0 then return collect(sessions, rows, done) end
  call("session/get", { session = next_one.id }, function(result)
    table.insert(rows, { text = session_line(result.session), session = result.session })
    for _, patch in ipairs(vim.tbl_filter(is_open, result.patches)) do
      table.insert(rows, { text = patch_line(patch), session = result.session, patch = patch })
    end
    collect(sessions, rows, done)
  end)
end

function M.refresh()
  if not (list and vim.api.nvim_buf_is_valid(list)) then return end
  call("session/list", { workspace = workspace.id, state = "Pending", limit = 1000 }, function(result)
    collect(result.sessions, { { text = workspace.root }, { text = KEYS } }, function(rows)
      if #rows == 2 then table.insert(rows, { text = "Nothing is pending." }) end
      targets = rows
      -- No name breaks the line.
      show(list, vim.tbl_map(function(row) return (row.text:gsub("[\r\n]", " ")) end, rows))
    end)
  end)
end

-- Shows a diff in the preview window, beside the list.
local function show_diff(lines)
  vim.cmd("silent! pclose | botright vertical pedit iopipe://diff")
  vim.cmd("wincmd P")
  local buffer = vim.api.nvim_get_current_buf()
  vim.bo[buffer].buftype, vim.bo[buffer].bufhidden, vim.bo[buffer].filetype = "nofile", "wipe", "diff"
  show(buffer, lines)
  vim.cmd("wincmd p | redraw")
end

local function diff(target, done)
  local paths = target.patch and { target.patch.path } or nil
  call("session/diff", { session = target.session.id, paths = paths }, function(result)
    show_diff(vim.split(result.diff, "\n", { plain = true }))
    if done then done(result) end
  end)
end

local function confirmed(question) return vim.fn.input(question .. " [y/N] "):lower() == "y" end

local function decide(target, decision, note)
  if not target.patch then return say("Put the cursor on a patch.") end
  local decisions = { { patch = target.patch.id, decision = decision, note = note } }
  call("session/decide", { session = target.session.id, decisions = decisions }, M.refresh)
end

local actions = {}

actions["<CR>"] = function(target) diff(target) end
actions.a = function(target) decide(target, "approved") end
actions.r = function(target)
  local note = vim.fn.input("Why? (empty: no reason) ")
  decide(target, "rejected", note ~= "" and note or nil)
end

-- Applies exactly what it shows: the whole session, by the digest of its diff.
actions.A = function(target)
  diff({ session = target.session }, function(shown)
    if not confirmed(("Apply %d files?"):format(#shown.files)) then return end
    call("session/apply", { session = target.session.id, expectedDigest = shown.digest }, function(result)
      say("operation " .. result.operation.id .. " " .. result.operation.state)
      M.refresh()
    end)
  end)
end

-- Takes back the newest operation, after a look at what it would do.
local function undo()
  call("operation/list", { workspace = workspace.id, limit = 20 }, function(listed)
    local newest = vim.tbl_filter(function(each) return each.state == "committed" and each.kind ~= "recover" end, listed.operations)[1]
    if not newest then return say("Nothing was applied here.") end
    call("operation/undo", { operation = newest.id, dryRun = true }, function(plan)
      local files = table.concat(plan.reverted, ", ")
      if not confirmed(("Undo %s of %s?"):format(newest.kind, files)) then return end
      call("operation/undo", { operation = newest.id }, function(result)
        say("reverted " .. table.concat(result.reverted, ", "))
        M.refresh()
      end)
    end)
  end)
end

local function make_list()
  list = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_name(list, "iopipe://sessions")
  local function map(key, action) vim.keymap.set("n", key, action, { buffer = list, nowait = true }) end
  for key, action in pairs(actions) do
    map(key, function()
      local target = targets[vim.api.nvim_win_get_cursor(0)[1]]
      if target.session then action(target) end
    end)
  end
  map("U", undo)
  map("R", M.refresh)
  map("q", "<Cmd>silent! pclose<CR><Cmd>close<CR>")
end

-- Finds the open workspace around the working directory.
local function with_workspace(done)
  call("workspace/list", vim.empty_dict(), function(result)
    local here, found = vim.loop.cwd() .. "/", nil
    for _, each in ipairs(result.workspaces) do
      local encloses = vim.startswith(here, each.root .. "/")
      if encloses and (not found or #each.root > #found.root) then found = each end
    end
    if not found then return say(here .. " is in no open workspace: iopipectl open DIR", vim.log.levels.WARN) end
    workspace = found
    done()
  end)
end

-- Events come in bunches; here they only say that the list is old.
local due = false
local function refresh_soon()
  if due then return end
  due = true
  vim.defer_fn(function()
    due = false
    M.refresh()
  end, 50)
end

-- `:IopipeWatch`: reloads buffers as their files change.
function M.watch(done)
  with_workspace(function()
    follow.start(workspace.root, refresh_soon)
    if done then done() end
  end)
end

-- `:Iopipe`: opens the list of what is pending here.
function M.open()
  M.watch(function()
    if not (list and vim.api.nvim_buf_is_valid(list)) then make_list() end
    local window = vim.fn.bufwinid(list)
    if window == -1 then vim.cmd("botright sbuffer " .. list) else vim.api.nvim_set_current_win(window) end
    M.refresh()
  end)
end

return M
